/**
 * `kv serve` as a process: what its command line and its files do, and how it refuses.
 *
 * Which values are refused is checked in src/cli; here it is that they reach the server, and the
 * exit codes.
 */
import { expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client, kvCommand, run, startKv, temporaryFolder } from "./harness.ts";

function serve(...args: string[]) {
  return run([...kvCommand(), "serve", ...args]);
}

test("the ready line names the address, the threads and the durability", async () => {
  await using server = await startKv(["--threads", "3"]);
  expect(server.stdout).toBe(
    `kv ready on 127.0.0.1:${server.port} (threads: 3, durability: memory, pid: ${server.pid})\n`,
  );
  await using client = await Client.connect(server);
  expect(await client.text("PING")).toBe("PONG");
});

test("a configuration file sets options and parameters; flags stand above", async () => {
  using folder = temporaryFolder();
  const config = join(folder.path, "kv.conf");
  const lines = ["bind 127.0.0.1", "port 1", "databases 4", "hz 20", 'save ""', "maxmemory 9mb"];
  writeFileSync(config, lines.join("\n"));
  await using server = await startKv(["--config", config, "--maxmemory", "64mb"]);
  await using client = await Client.connect(server);
  expect(await client.text("CONFIG GET databases")).toEqual(["databases", "4"]);
  expect(await client.text("CONFIG GET hz")).toEqual(["hz", "20"]);
  expect(await client.text("CONFIG GET maxmemory")).toEqual(["maxmemory", "67108864"]);
  expect(await client.text("SELECT 3")).toBe("OK");
  expect(await client.text("SELECT 4")).toMatchObject({ text: "ERR DB index is out of range" });
});

test("a parameter that CONFIG does not know is refused with its line", async () => {
  using folder = temporaryFolder();
  const config = join(folder.path, "kv.conf");
  writeFileSync(config, "# first\nmaxmemroy 1gb\n");
  expect(await serve("--port", "0", "--config", config)).toEqual({
    exitCode: 64,
    stdout: "",
    stderr: `kv: ${config}, line 2: unknown parameter (maxmemroy)\n`,
  });
});

test("a password from a file is asked for", async () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "password");
  writeFileSync(file, "sesame\n");
  await using server = await startKv(["--password-file", file]);
  await using client = await Client.connect(server);
  expect(await client.text("GET a")).toMatchObject({ text: "NOAUTH Authentication required." });
  expect(await client.text("AUTH wrong")).toMatchObject({ code: "WRONGPASS" });
  expect(await client.text("AUTH sesame")).toBe("OK");
  expect(await client.text("GET a")).toBeNull();
});

test("a Unix socket is served, and gone after the server has stopped", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "kv.sock");
  await using server = await startKv(["--unixsocket", path]);
  {
    await using client = await Client.connect({ unix: path });
    expect(await client.text("PING")).toBe("PONG");
  }
  expect(await server.stop()).toMatchObject({ exitCode: 0, stderr: "" });
  expect(existsSync(path)).toBe(false);
});

test("wrong usage ends with 64, what cannot be read with 1", async () => {
  const refusals = await Promise.all([
    serve("--port", "65536"),
    serve("--persist", "sometimes"),
    serve("extra"),
    serve("--config", "/nonexistent/kv.conf"),
  ]);
  expect(refusals.map(({ exitCode, stderr }) => [exitCode, stderr])).toEqual([
    [64, "kv: --port: value is too large (65536), at most 65535 is allowed\n"],
    [64, "kv: --persist: unknown mode (sometimes), use one of off, everysec, always\n"],
    [64, "kv: serve: takes options only\nhint: kv serve --help lists what there is\n"],
    [1, 'kv: Cannot read configuration file "/nonexistent/kv.conf": no such file or directory\n'],
  ]);
});
