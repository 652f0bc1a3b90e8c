/**
 * Process tests of `kv serve` as a network server: starting and stopping, back-pressure, limits,
 * order of replies, and what Workers do for each other. What commands reply is in commands.test.ts
 * and conformance/.
 */
import { describe, expect, test } from "bun:test";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { encodeRequest } from "../src/resp/encoder.ts";
import { Client, kvCommand, run, startKv, temporaryFolder } from "./harness.ts";

const MIB = 1024 * 1024;

describe("starting and stopping", () => {
  test("the ready line says address, threads and durability", async () => {
    await using server = await startKv(["--threads", "2"]);
    const line = `kv ready on 127.0.0.1:${server.port} (threads: 2, durability: memory, `;
    expect(server.stdout).toStartWith(line);
    expect(server.stdout.split("\n").length).toBe(2);
  });

  test.each(["SIGTERM", "SIGINT"] as const)("%s ends it with exit code 0", async (signal) => {
    await using server = await startKv(["--threads", "2"]);
    await using client = await Client.connect(server);
    await client.command("SET", "key", "value");
    server.kill(signal);
    await client.closed;
    expect(await server.finished()).toMatchObject({ exitCode: 0, stderr: "" });
  });

  test("SIGHUP leaves it running: it outlives its terminal", async () => {
    await using server = await startKv(["--threads", "1"]);
    await using client = await Client.connect(server);
    server.kill("SIGHUP");
    expect(await client.command("PING")).toBe("PONG");
    expect(await client.command("SET", "key", "value")).toBe("OK");
  });

  test("SHUTDOWN ends it with exit code 0 and closes the connection without a reply", async () => {
    await using server = await startKv(["--threads", "2"]);
    await using client = await Client.connect(server);
    client.send(encodeRequest("SHUTDOWN"));
    await client.closed;
    expect(client.received.length).toBe(0);
    expect(await server.finished()).toMatchObject({ exitCode: 0 });
  });

  test("it stops while clients send and do not read", async () => {
    await using server = await startKv(["--threads", "2"]);
    await using client = await Client.connect(server);
    await client.command("SET", "key", Buffer.alloc(MIB));
    client.pause();
    for (let i = 0; i < 64; i++) client.send(encodeRequest("GET", "key"));
    expect(await server.stop()).toMatchObject({ exitCode: 0 });
  });

  test("a port that a server of ours listens on is in use", async () => {
    await using server = await startKv(["--threads", "1"]);
    const second = await run([...kvCommand(), "serve", "--port", `${server.port}`]);
    expect(second).toEqual({
      exitCode: 1,
      stdout: "",
      stderr:
        `kv: Cannot listen on 127.0.0.1:${server.port}: port in use\n` +
        "hint: another server runs there; stop it, or choose another --port\n",
    });
  });

  test("an address that is not this machine's is refused with exit code 1", async () => {
    const { exitCode, stderr } = await run([...kvCommand(), "serve", "--addr", "192.0.2.1:7878"]);
    expect(stderr).toBe("kv: Cannot listen on 192.0.2.1:7878: no such address on this machine\n");
    expect(exitCode).toBe(1);
  });
});

describe("Unix socket", () => {
  test("serves, for its user only, and is gone after the server", async () => {
    using folder = temporaryFolder();
    const unix = join(folder.path, "kv.sock");
    await using server = await startKv(["--threads", "2", "--unixsocket", unix]);
    expect(statSync(unix).mode & 0o777).toBe(0o600);
    await using local = await Client.connect({ unix });
    await using remote = await Client.connect(server);
    expect(await local.command("SET", "key", "value")).toBe("OK");
    expect(await remote.command("GET", "key")).toBe("value");
    expect(String(await local.command("CLIENT", "INFO"))).toContain(`addr=${unix}:0 `);
    await server.stop();
    expect(existsSync(unix)).toBe(false);
  });

  test("a file left behind is replaced, one that is served or no socket is not", async () => {
    using folder = temporaryFolder();
    const unix = join(folder.path, "kv.sock");
    const crashed = await startKv(["--unixsocket", unix]);
    const second = await run([...kvCommand(), "serve", "--port", "0", "--unixsocket", unix]);
    expect(second).toMatchObject({ exitCode: 1 });
    expect(second.stderr).toContain(`Cannot listen on ${unix}: socket in use`);
    crashed.kill("SIGKILL");
    await crashed.finished();
    expect(existsSync(unix)).toBe(true);
    await using server = await startKv(["--unixsocket", unix]);
    await using client = await Client.connect({ unix });
    expect(await client.command("PING")).toBe("PONG");
    await server.stop();
    await Bun.write(unix, "precious");
    const third = await run([...kvCommand(), "serve", "--port", "0", "--unixsocket", unix]);
    expect(third.stderr).toContain("a file that is no socket is there");
    expect(await Bun.file(unix).text()).toBe("precious");
  });
});

describe("order of replies", () => {
  test("1,000 commands in one packet", async () => {
    await using server = await startKv(["--threads", "1"]);
    await using client = await Client.connect(server);
    const requests = Array.from({ length: 1000 }, (_, i) => encodeRequest("ECHO", `${i}`));
    client.send(Buffer.concat(requests));
    expect(await client.nextMany(1000)).toEqual(Array.from({ length: 1000 }, (_, i) => `${i}`));
  });

  test("a pipeline that arrives in pieces, commands split anywhere", async () => {
    await using server = await startKv(["--threads", "1"]);
    await using client = await Client.connect(server);
    await using other = await Client.connect(server);
    const requests: Buffer[] = [];
    for (let i = 0; i < 60; i++) {
      requests.push(Buffer.from(encodeRequest("SET", `key${i}`, "v".repeat(i))));
      requests.push(Buffer.from(encodeRequest("STRLEN", `key${i}`)), Buffer.from("PING\r\n"));
    }
    const bytes = Buffer.concat(requests);
    for (let at = 0, size = 1; at < bytes.length; at += size, size = (size % 37) + 1) {
      client.send(bytes.subarray(at, at + size));
      // The server has been through its event loop since.
      await other.command("PING");
    }
    const expected = Array.from({ length: 60 }, (_, i) => ["OK", i, "PONG"]).flat();
    expect(await client.nextMany(180)).toEqual(expected);
  });

  test("deferred replies come in their place", async () => {
    await using server = await startKv(["--threads", "3"]);
    await using client = await Client.connect(server);
    const request = [
      encodeRequest("ECHO", "1"),
      encodeRequest("SLOWLOG", "LEN"),
      encodeRequest("ECHO", "2"),
      encodeRequest("CONFIG", "SET", "timeout", "0"),
      encodeRequest("SLOWLOG", "LEN"),
      encodeRequest("ECHO", "3"),
    ];
    const round = ["1", 0, "2", "OK", 0, "3"];
    client.send(Buffer.concat(Array.from({ length: 50 }, () => request).flat()));
    expect(await client.nextMany(300)).toEqual(Array.from({ length: 50 }, () => round).flat());
  });

  test("input that arrives behind a deferred command waits, however much", async () => {
    await using server = await startKv(["--threads", "2"]);
    await using client = await Client.connect(server);
    const value = Buffer.alloc(100_000, "x");
    client.send(encodeRequest("CLIENT", "LIST"));
    for (let i = 0; i < 50; i++) client.send(encodeRequest("SET", `key${i}`, value));
    client.send(encodeRequest("DBSIZE"));
    const replies = await client.nextMany(52);
    expect(replies.slice(1, 51)).toEqual(new Array(50).fill("OK"));
    expect(replies[51]).toBe(50);
  });

  test("QUIT is answered, what follows it is not", async () => {
    await using server = await startKv(["--threads", "1"]);
    await using client = await Client.connect(server);
    client.send(Buffer.concat([encodeRequest("QUIT"), encodeRequest("SET", "key", "value")]));
    await client.closed;
    expect(client.received.toString()).toBe("+OK\r\n");
    await using other = await Client.connect(server);
    expect(await other.command("EXISTS", "key")).toBe(0);
  });

  test("CLIENT REPLY drops what it says, deferred replies and errors among it", async () => {
    await using server = await startKv(["--threads", "2"]);
    await using client = await Client.connect(server);
    const requests = [
      ["CLIENT", "REPLY", "OFF"],
      ["PING"],
      ["CLIENT", "LIST"],
      ["nonsense"],
      ["CLIENT", "REPLY", "ON"],
      ["CLIENT", "REPLY", "SKIP"],
      ["CLIENT", "LIST"],
      ["ECHO", "end"],
    ].map((args) => encodeRequest(...args));
    client.send(Buffer.concat(requests));
    expect(await client.nextMany(2)).toEqual(["OK", "end"]);
    expect(client.received.toString()).toBe("+OK\r\n$3\r\nend\r\n");
  });

  test("a client that has shut down its side gets every reply, then the end", async () => {
    await using server = await startKv(["--threads", "2"]);
    await using client = await Client.connect(server);
    await client.command("SET", "key", Buffer.alloc(MIB, "x"));
    client.pause();
    for (let i = 0; i < 16; i++) client.send(encodeRequest("GET", "key"));
    client.send(encodeRequest("CLIENT", "LIST"));
    client.send(encodeRequest("ECHO", "last"));
    client.endSending();
    client.resume();
    const replies = await client.nextMany(18);
    expect(replies.slice(0, 16).map((it) => String(it).length)).toEqual(new Array(16).fill(MIB));
    expect(replies[17]).toBe("last");
    await client.closed;
  });
});
