/**
 * Runs every conformance suite on a real Valkey, a real Redis, and ours with one and with two
 * threads.
 *
 * The real servers come first: an expectation that they do not meet is wrong, whatever ours does.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type RunningPeer, startOurs, startReal } from "./peers.ts";
import { suites } from "./suites.ts";
import { parseSuite, runCase } from "./transcript.ts";

const CASE_MS_MAX = 30_000;

const servers: readonly (readonly [string, () => Promise<RunningPeer | null>])[] = [
  ["valkey-server", () => startReal("valkey80")],
  ["redis-server", () => startReal("redis70")],
  ["kv serve, 1 thread", () => startOurs(1)],
  ["kv serve, 2 threads", () => startOurs(2)],
];

for (const [name, start] of servers) {
  describe(name, () => {
    let peer: RunningPeer | null = null;
    beforeAll(async () => {
      peer = await start();
    });
    afterAll(async () => {
      await peer?.stop();
    });
    for (const [suite, source] of Object.entries(suites)) {
      for (const theCase of parseSuite(source)) {
        test(
          `${suite}: ${theCase.name}`,
          async () => {
            if (peer !== null) await runCase(peer, theCase);
          },
          CASE_MS_MAX,
        );
      }
    }
  });
}

test("runCase fails on a reply that is not the expected one", async () => {
  const peer = await startReal("valkey80");
  if (peer === null) return;
  const [wrong] = parseSuite('# wrong\nSET k v => +OK\nGET k => "w"');
  await expect(runCase(peer, wrong!)).rejects.toThrow('received "v"');
  await peer.stop();
});
