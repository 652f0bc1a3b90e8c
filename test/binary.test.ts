/**
 * The compiled executable: it answers, stops and fails as it should from an empty folder, and a
 * folder full of files that a JavaScript runtime likes to load changes nothing.
 *
 * Runs the built ./kv, never the source: `make test` builds it first.
 */
import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  Client,
  freePort,
  kvCommand,
  REPOSITORY,
  run,
  startKv,
  temporaryFolder,
} from "./harness.ts";

const BINARY = join(REPOSITORY, "kv");
const isBuilt = existsSync(BINARY) && kvCommand()[0] === BINARY;
if (!isBuilt && process.env.CI) throw new Error("Cannot find ./kv: run make build");
if (!isBuilt) process.stderr.write("skipped: ./kv is not built, make build builds it\n");

describe.if(isBuilt)("./kv from an empty folder", () => {
  test("prints its version and its help", async () => {
    using folder = temporaryFolder();
    const version = await run([BINARY, "--version"], { cwd: folder.path });
    expect(version.stderr).toBe("");
    expect(version.stdout).toMatch(/^kv \d+\.\d+\.\d+ \([0-9a-f]{12}\+?, Bun [\d.]+\)\n$/);
    const help = await run([BINARY, "--help"], { cwd: folder.path });
    expect(help.stdout).toContain("serve [options]");
    expect([version.exitCode, help.exitCode]).toEqual([0, 0]);
  });

  test("serves on all its Workers, stops at SIGTERM, and leaves nothing behind", async () => {
    using folder = temporaryFolder();
    await using server = await startKv(["--threads", "2"], { cwd: folder.path });
    await checkAnswers(server.port);
    expect(await server.stop()).toMatchObject({ exitCode: 0, stderr: "" });
    expect(readdirSync(folder.path)).toEqual([]);
  });

  test("stops at SIGINT as well", async () => {
    await using server = await startKv(["--threads", "1"]);
    server.kill("SIGINT");
    expect((await server.finished()).exitCode).toBe(0);
  });

  test("ends with 64 and a hint when the arguments are wrong", async () => {
    expect(await run([BINARY, "serve", "--prot", "1"])).toEqual({
      exitCode: 64,
      stdout: "",
      stderr: "kv: --prot: unknown option\nhint: did you mean --port?\n",
    });
  });

  test("ends with 1 and a hint when the port is in use", async () => {
    const port = freePort();
    using _ = Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } });
    const finished = await run([BINARY, "serve", "--port", `${port}`, "--threads", "2"]);
    expect(finished.stdout).toBe("");
    expect(finished.stderr).toStartWith(`kv: Cannot listen on 127.0.0.1:${port}: `);
    expect(finished.stderr).toContain("\nhint: ");
    expect(finished.exitCode).toBe(1);
  });

  test("contains asserts and no debugAssert", () => {
    const binary = readFileSync(BINARY);
    const has = (message: string) => binary.includes(message);
    // Not all: what only tests call, such as invariants(), is left out of the executable as a
    // whole.
    expect(messagesOf("assert").filter(has)).not.toEqual([]);
    expect(messagesOf("debugAssert")).not.toEqual([]);
    expect(messagesOf("debugAssert").filter(has)).toEqual([]);
  });
});

describe.if(isBuilt)("./kv from a hostile folder", () => {
  test("loads none of it", async () => {
    using folder = hostileFolder();
    const version = await run([BINARY, "--version"], { cwd: folder.path });
    expect([version.exitCode, version.stderr]).toEqual([0, ""]);
    await using server = await startKv(["--threads", "2"], { cwd: folder.path });
    await checkAnswers(server.port);
    expect(await server.stop()).toMatchObject({ exitCode: 0, stderr: "" });
    // The benchmark starts a server of its own: LD_PRELOAD of the .env would reach it and be
    // complained of.
    const bench = await run([BINARY, "bench", "--db", "kv", "--num-ops", "100", "--quiet"], {
      cwd: folder.path,
    });
    expect(bench.stderr).toBe("");
    expect(bench.exitCode).toBe(0);
    expect(folder.loaded()).toEqual([]);
  });

  test("the traps work: the runtime itself steps into them", async () => {
    using folder = hostileFolder();
    const bun = process.execPath;
    await run([bun, "./server-worker.ts"], { cwd: folder.path });
    expect(folder.loaded()).toEqual(["preload.ts", "server-worker.ts"]);
    const child = `Bun.spawnSync(["true"], { stderr: "inherit" })`;
    const { stderr } = await run([bun, "-e", child], { cwd: folder.path });
    expect(stderr).toContain("LD_PRELOAD");
  });
});

/** Writes and reads on several connections, so that more than one Worker has to answer. */
async function checkAnswers(port: number): Promise<void> {
  for (let i = 0; i < 8; i++) {
    await using client = await Client.connect({ port });
    expect(await client.text(`SET key:${i} ${i}`)).toBe("OK");
    expect(await client.text(`GET key:${i >> 1}`)).toBe(`${i >> 1}`);
  }
}

/** Names that a compiled executable could look up beside itself or where it was started. */
const DECOYS = [
  "worker.ts",
  "server-worker.ts",
  "server-worker.js",
  "upkeep-worker.ts",
  "upkeep-worker.js",
  "server.ts",
  "bench.ts",
  "main.ts",
  "index.ts",
  "src/main.ts",
  "src/server.ts",
  "src/server-worker.ts",
  "src/upkeep-worker.ts",
  "node_modules/commander/index.js",
  "preload.ts",
];

/** A folder where every file, when loaded, leaves a marker behind; `loaded` lists the markers. */
function hostileFolder() {
  const { path, [Symbol.dispose]: dispose } = temporaryFolder();
  const markers = join(path, "markers");
  mkdirSync(markers);
  function write(name: string, text: string): void {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), text);
  }
  for (const name of DECOYS) {
    const marker = JSON.stringify(join(markers, name.replaceAll("/", ":")));
    write(name, `require("node:fs").writeFileSync(${marker}, "");\n`);
  }
  write(".env", "LD_PRELOAD=/nonexistent/trap.so\n");
  write("bunfig.toml", 'preload = ["./preload.ts"]\n');
  write("tsconfig.json", '{ "compilerOptions": { "paths": { "*": ["./src/*"] } } }\n');
  write("package.json", '{ "type": "commonjs", "imports": { "#*": "./index.ts" } }\n');
  write("node_modules/commander/package.json", '{ "main": "index.js" }\n');
  return { path, loaded: () => readdirSync(markers).sort(), [Symbol.dispose]: dispose };
}

/**
 * The fixed beginnings of the messages given to `name` in the source, long enough to be told apart.
 */
function messagesOf(name: "assert" | "debugAssert"): string[] {
  const call = new RegExp(`(?<![\\w.])${name}\\([^;]*?["\`]([^"\`$\\\\\\n]{16,})[^;]*?\\);`, "g");
  const paths = [...new Bun.Glob("src/{net,resp,store,commands}/**/*.ts").scanSync(REPOSITORY)];
  return paths
    .filter((path) => !/\.(?:test|fuzz|bench)\.ts$/.test(path))
    .flatMap((path) => [...readFileSync(join(REPOSITORY, path), "utf8").matchAll(call)])
    .map((match) => match[1] as string);
}
