/**
 * The server started by the benchmark: its ready line, and that it never outlives who started it.
 */
import { expect, test } from "bun:test";
import { ChildProcess, eventually, temporaryFolder } from "../../test/harness.ts";
import { FatalError } from "../base/errors.ts";
import { parseReadyLine, startOwnServer } from "./own-server.ts";

/** Stands in for `kv serve`: prints a ready line with its process id for a port, and stays. */
const STAND_IN = [
  process.execPath,
  "-e",
  'console.log("kv ready on 127.0.0.1:" + process.pid); setInterval(() => {}, 1000);',
];

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch {
    return false;
  }
}

test("parseReadyLine() finds the address in a whole line that says ready", () => {
  expect(parseReadyLine("kv ready on 127.0.0.1:70")).toBeNull();
  expect(parseReadyLine("1.2.3.4:5\nkv: ready, 127.0.0.1:7001, 2 threads, off\n")).toEqual({
    host: "127.0.0.1",
    port: 7001,
  });
  expect(parseReadyLine("ready at [::1]:7002\n")).toEqual({ host: "::1", port: 7002 });
  expect(parseReadyLine("kv is already on 127.0.0.1:7003\n")).toBeNull();
});

test("stop() ends the server", async () => {
  const server = await startOwnServer(STAND_IN, null);
  const processId = server.endpoint.port;
  expect(isAlive(processId)).toBe(true);
  await server.stop();
  expect(isAlive(processId)).toBe(false);
});

test("startOwnServer() tells why a server did not start", async () => {
  const failing = ["/bin/sh", "-c", "echo 'kv: no port left' >&2; exit 1"];
  const started = startOwnServer(failing, 3);
  await expect(started).rejects.toThrow("Cannot start the server: kv: no port left");
  await expect(started).rejects.toBeInstanceOf(FatalError);
});

test("the server ends when who started it is killed", async () => {
  using folder = temporaryFolder();
  const script = `${folder.path}/starter.ts`;
  await Bun.write(
    script,
    `import { startOwnServer } from ${JSON.stringify(`${import.meta.dir}/own-server.ts`)};
    const server = await startOwnServer(${JSON.stringify(STAND_IN)}, null);
    console.log(server.endpoint.port);
    setInterval(() => {}, 1000);`,
  );
  await using starter = new ChildProcess([process.execPath, script]);
  await eventually(() => starter.stdout.endsWith("\n"), "the server's process id is printed");
  const processId = Number(starter.stdout);
  expect(isAlive(processId)).toBe(true);
  starter.kill("SIGKILL");
  await eventually(() => !isAlive(processId), "the server is gone");
});
