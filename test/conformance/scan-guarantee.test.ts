/**
 * What SCAN guarantees: a key that is there from the first call to the last is returned, whatever
 * comes and goes meanwhile. Checked on a real server first, then on ours, while the index grows to
 * many times its size between the calls.
 */
import { expect, test } from "bun:test";
import { type RunningPeer, startOurs, startReal } from "./peers.ts";
import type { Reply } from "./reply.ts";
import type { Connection } from "./transcript.ts";

const TEST_MS_MAX = 60_000;
const KEPT_COUNT = 3000;
const ADDED_A_CALL = 200;
/** Keys come faster than the scan goes: they must end for it to end. */
const ADDED_COUNT = 40_000;

const servers: readonly (readonly [string, () => Promise<RunningPeer | null>])[] = [
  ["valkey-server", () => startReal("valkey80")],
  ["kv serve, 1 thread", () => startOurs(1)],
  ["kv serve, 2 threads", () => startOurs(2)],
];

for (const [name, start] of servers) {
  test(
    `SCAN returns every key that stays, while others are added, on ${name}`,
    async () => {
      await using peer = await start();
      if (peer === null) return;
      const scanner = await peer.connect();
      const writer = await peer.connect();
      await setMany(scanner, "kept", 0, KEPT_COUNT);
      let added = 0;
      const seen = await scanAll(scanner, ["COUNT", "10"], async () => {
        if (added === ADDED_COUNT) return;
        await setMany(writer, "added", added, ADDED_A_CALL);
        added += ADDED_A_CALL;
      });
      expect(missingOf(seen)).toEqual([]);
      // The index has really grown under the scan.
      expect(added).toBe(ADDED_COUNT);
      scanner.close();
      writer.close();
    },
    TEST_MS_MAX,
  );

  test(
    `SCAN returns every key that stays, while others are removed, on ${name}`,
    async () => {
      await using peer = await start();
      if (peer === null) return;
      const scanner = await peer.connect();
      const writer = await peer.connect();
      await setMany(scanner, "kept", 0, KEPT_COUNT);
      await setMany(scanner, "removed", 0, KEPT_COUNT * 4);
      let removed = 0;
      const seen = await scanAll(scanner, ["COUNT", "20", "MATCH", "kept:*"], async () => {
        const keys = Array.from({ length: 100 }, (_, i) => `removed:${removed + i}`);
        await writer.ask(["DEL", ...keys]);
        removed += keys.length;
      });
      expect(missingOf(seen)).toEqual([]);
      expect([...seen].every((key) => key.startsWith("kept:"))).toBe(true);
      scanner.close();
      writer.close();
    },
    TEST_MS_MAX,
  );

  test(
    `SCAN in a quiet database returns each key once, on ${name}`,
    async () => {
      await using peer = await start();
      if (peer === null) return;
      const scanner = await peer.connect();
      await setMany(scanner, "kept", 0, KEPT_COUNT);
      const returned: string[] = [];
      let cursor = "0";
      do {
        const [next, keys] = itemsOf(await scanner.ask(["SCAN", cursor, "COUNT", "100"]));
        cursor = textOf(next);
        for (const key of itemsOf(keys)) returned.push(textOf(key));
      } while (cursor !== "0");
      expect(returned.length).toBe(KEPT_COUNT);
      expect(new Set(returned).size).toBe(KEPT_COUNT);
      scanner.close();
    },
    TEST_MS_MAX,
  );
}

async function setMany(
  connection: Connection,
  name: string,
  from: number,
  count: number,
): Promise<void> {
  const words = ["MSET"];
  for (let i = from; i < from + count; i++) words.push(`${name}:${i}`, "v");
  await connection.ask(words);
}

/** The keys of a whole scan; `between` runs after every call. */
async function scanAll(
  connection: Connection,
  options: readonly string[],
  between: () => Promise<void>,
): Promise<Set<string>> {
  const seen = new Set<string>();
  let cursor = "0";
  do {
    const [next, keys] = itemsOf(await connection.ask(["SCAN", cursor, ...options]));
    cursor = textOf(next);
    for (const key of itemsOf(keys)) seen.add(textOf(key));
    await between();
  } while (cursor !== "0");
  return seen;
}

function missingOf(seen: ReadonlySet<string>): string[] {
  const kept = Array.from({ length: KEPT_COUNT }, (_, i) => `kept:${i}`);
  return kept.filter((key) => !seen.has(key));
}

function itemsOf(reply: Reply | undefined): readonly Reply[] {
  if (reply === undefined || !("items" in reply)) throw new Error("expected an array");
  return reply.items;
}

function textOf(reply: Reply | undefined): string {
  if (reply?.kind !== "$") throw new Error("expected a bulk string");
  return reply.bytes.toString("latin1");
}
