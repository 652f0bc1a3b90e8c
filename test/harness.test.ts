/**
 * The harness itself: it finds ports, talks to a real server, ends what it starts, and fails when
 * it should.
 */
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { ReplyError } from "../src/resp/reader.ts";
import {
  ChildProcess,
  Client,
  hasPeer,
  readyPort,
  run,
  startPeer,
  temporaryFolder,
} from "./harness.ts";

for (const name of ["valkey-server", "redis-server"] as const) {
  test.if(hasPeer(name))(`startPeer() and Client talk to ${name}`, async () => {
    await using server = await startPeer(name);
    await using client = await Client.connect(server);
    expect(await client.command("SET", "key", Buffer.from([0, 255, 13, 10]))).toBe("OK");
    expect(await client.text("GET key")).toBe("\x00\xff\r\n");
    expect(await client.text("LPUSH key x")).toBeInstanceOf(ReplyError);
    client.send("PING\r\n*1\r\n$4\r\nPI");
    client.send("NG\r\n");
    expect(await client.nextMany(2)).toEqual(["PONG", "PONG"]);
    expect(client.received.toString("latin1")).toEndWith("+PONG\r\n+PONG\r\n");
    await client.text("QUIT");
    await client.closed;
    expect(client.next()).rejects.toThrow("the connection is closed");
    const { exitCode } = await server.stop();
    expect(exitCode).toBe(0);
  });
}

test("ChildProcess is killed at the end of its scope", async () => {
  let kept: ChildProcess;
  {
    await using child = new ChildProcess(["sleep", "1000"]);
    kept = child;
    expect(child.isRunning).toBe(true);
  }
  expect(kept.isRunning).toBe(false);
});

test("run() collects output and exit code", async () => {
  const finished = await run(["sh", "-c", "echo out; echo $WORD >&2; exit 7"], {
    env: { WORD: "err" },
  });
  expect(finished).toEqual({ exitCode: 7, stdout: "out\n", stderr: "err\n" });
});

test("readyPort() reads the port of the first whole ready line", () => {
  expect(readyPort("")).toBe(0);
  expect(readyPort("kv: ready on 127.0.0.1:70")).toBe(0);
  expect(readyPort("starting 1.2.3.4:5\nkv ready on 127.0.0.1:7001, 2 threads\n")).toBe(7001);
  expect(readyPort("ready at [::1]:7002, off\n")).toBe(7002);
});

test("temporaryFolder() is gone after its scope", () => {
  let path = "";
  {
    using folder = temporaryFolder();
    path = folder.path;
    expect(existsSync(path)).toBe(true);
  }
  expect(existsSync(path)).toBe(false);
});
