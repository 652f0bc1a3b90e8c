/** Who listens on a port: this very process, and when nobody can say. */
import { expect, test } from "bun:test";
import { listeningProcess, residentBytes } from "./listening-process.ts";

const IS_LINUX = process.platform === "linux";

test.if(IS_LINUX)("listeningProcess() finds this process by its port", () => {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  expect(listeningProcess("127.0.0.1", listener.port)).toBe(process.pid);
  expect(listeningProcess("localhost", listener.port)).toBe(process.pid);
  const { port } = listener;
  listener.stop(true);
  expect(listeningProcess("127.0.0.1", port)).toBeNull();
});

test("listeningProcess() does not guess about other hosts", () => {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  expect(listeningProcess("192.0.2.1", listener.port)).toBeNull();
  listener.stop(true);
});

test.if(IS_LINUX)("residentBytes() is what a process has in memory", () => {
  expect(residentBytes(process.pid)).toBeGreaterThan(10e6);
  expect(residentBytes(2 ** 30)).toBeNull();
});
