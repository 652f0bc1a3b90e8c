/**
 * scripts/demo, behind `make demo`: on a machine that has none of the other servers it compares the
 * server with its own store and a Map; with them, all. Either way it leaves pages and no process.
 */
import { expect, test } from "bun:test";
import { existsSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { hasPeer, kvCommand, REPOSITORY, run, temporaryFolder } from "./harness.ts";

const IS_BUILT = kvCommand().length === 1 && process.platform !== "win32";
/** What the script and the server that it starts call. */
const TOOLS = ["bash", "sh", "dirname", "nproc", "sleep"];
const SHORT = ["--duration", "100ms", "--warmup", "0s", "--keys", "500"];

async function demo(folder: string, env: Record<string, string> = {}) {
  const finished = await run([join(REPOSITORY, "scripts/demo"), folder, ...SHORT], { env });
  expect({ exitCode: finished.exitCode, stderr: finished.stderr }).toEqual({
    exitCode: 0,
    stderr: expect.not.stringMatching(/error|cannot|No such/i),
  });
  for (const name of ["demo.html", "demo-pipelined.html"]) {
    const path = join(folder, name);
    expect(finished.stdout).toContain(`\n  ${path}\n`);
    expect(readFileSync(path, "utf8")).toStartWith("<!doctype html>");
  }
  return finished.stdout;
}

test.if(IS_BUILT)("the demonstration needs nothing but the executable", async () => {
  using folder = temporaryFolder();
  for (const tool of TOOLS) symlinkSync(Bun.which(tool) as string, join(folder.path, tool));
  const output = await demo(folder.path, { PATH: folder.path });
  expect(output).toContain("redis-server is not installed here");
  for (const name of ["kv", "inmemory", "map"]) {
    expect(output).toMatch(new RegExp(`^${name} +WRITE \\(Simple\\) +[\\d,]+ `, "m"));
  }
  expect(output).not.toMatch(/^redis /m);
});

test.if(IS_BUILT && hasPeer("valkey-server") && hasPeer("redis-server"))(
  "the demonstration compares with the servers that are there, and stops them",
  async () => {
    using folder = temporaryFolder();
    const output = await demo(folder.path);
    const addresses = /^Address .*$/m.exec(output)?.[0] ?? "";
    for (const name of ["redis", "valkey"]) {
      expect(output).toMatch(new RegExp(`^${name} +READ \\(Simple\\) +[\\d,]+ `, "m"));
    }
    const ports = [...addresses.matchAll(/127\.0\.0\.1:(\d+)/g)].map((match) => Number(match[1]));
    expect(ports).toHaveLength(3);
    for (const port of ports) await expect(connect(port)).rejects.toThrow();
    expect(existsSync(join(folder.path, "dump.rdb"))).toBe(false);
  },
);

function connect(port: number): Promise<unknown> {
  return Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
}
