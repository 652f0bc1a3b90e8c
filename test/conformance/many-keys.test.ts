/**
 * Commands on more keys than are locked at once: they take the exclusive section, and must answer
 * as for a few keys, also when clients on two threads do it at the same time.
 */
import { expect, test } from "bun:test";
import { type RunningPeer, startOurs, startReal } from "./peers.ts";
import { render } from "./transcript.ts";

const TEST_MS_MAX = 60_000;
/** Well above KEYS_AT_ONCE_MAX, with every key named twice. */
const KEYS_COUNT = 1000;
const ROUNDS = 30;

const keys = Array.from({ length: KEYS_COUNT }, (_, i) => `key:${i}`);

const servers: readonly (readonly [string, () => Promise<RunningPeer | null>])[] = [
  ["valkey-server", () => startReal("valkey80")],
  ["kv serve, 1 thread", () => startOurs(1)],
  ["kv serve, 2 threads", () => startOurs(2)],
];

for (const [name, start] of servers) {
  test(
    `MSET, MGET, MSETNX, EXISTS and DEL take a thousand keys, on ${name}`,
    async () => {
      await using peer = await start();
      if (peer === null) return;
      const connection = await peer.connect();
      const ask = async (...words: string[]) => render(await connection.ask(words));
      const twice = [...keys, ...keys];
      const pairs = twice.flatMap((key, i) => [key, `${i}`]);
      expect(await ask("MSETNX", ...pairs)).toBe(":1");
      expect(await ask("MSETNX", "new", "1", ...pairs)).toBe(":0");
      expect(await ask("EXISTS", "new")).toBe(":0");
      expect(await ask("MSET", ...pairs)).toBe("+OK");
      expect(await ask("RPUSH", "list", "x")).toBe(":1");
      const values = twice.map((_, i) => `"${(i % KEYS_COUNT) + KEYS_COUNT}"`);
      expect(await ask("MGET", "none", ...twice, "list")).toBe(`[nil ${values.join(" ")} nil]`);
      expect(await ask("EXISTS", "none", ...twice)).toBe(`:${KEYS_COUNT * 2}`);
      expect(await ask("DEL", "none", ...twice, "list")).toBe(`:${KEYS_COUNT + 1}`);
      expect(await ask("DBSIZE")).toBe(":0");
      connection.close();
    },
    TEST_MS_MAX,
  );
}

test(
  "MGET of a thousand keys never sees half of an MSET of them, on two threads",
  async () => {
    await using peer = await startOurs(2);
    const connections = await Promise.all(Array.from({ length: 6 }, () => peer.connect()));
    let torn = 0;
    let looks = 0;
    await Promise.all(
      connections.map(async (connection, number) => {
        for (let round = 0; round < ROUNDS; round++) {
          const value = `${number}:${round}`;
          await connection.ask(["MSET", ...keys.flatMap((key) => [key, value])]);
          const reply = await connection.ask(["MGET", ...keys]);
          if (!("items" in reply)) throw new Error("MGET gives an array");
          looks++;
          if (new Set(reply.items.map(render)).size !== 1) torn++;
          expect(render(await connection.ask(["KEYS", "none*"]))).toBe("[]");
        }
      }),
    );
    expect(torn).toBe(0);
    expect(looks).toBe(connections.length * ROUNDS);
    for (const connection of connections) connection.close();
  },
  TEST_MS_MAX,
);
