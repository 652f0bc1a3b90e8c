/**
 * Lists, ours against a real server where a transcript is not enough: random commands, long lists,
 * large elements.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Prng } from "../../src/base/prng.ts";
import { compareLists, ListCommands } from "./lists.fuzz.ts";
import { type RunningPeer, startOurs, startReal } from "./peers.ts";
import { type Connection, render } from "./transcript.ts";

const ELEMENTS_COUNT = 100_000;
const ELEMENTS_A_PUSH = 1000;
/** A limit for what hangs, not a wait. */
const CASE_MS_MAX = 60_000;

let real: RunningPeer | null = null;
let ours: RunningPeer;
const connections: Connection[] = [];

beforeAll(async () => {
  real = await startReal("valkey80");
  ours = await startOurs(2);
});

afterAll(async () => {
  for (const connection of connections) connection.close();
  await Promise.all([real?.stop(), ours.stop()]);
});

async function connectBoth(): Promise<[Connection, Connection] | null> {
  if (real === null) return null;
  const both: [Connection, Connection] = [await real.connect(), await ours.connect()];
  connections.push(...both);
  await Promise.all(both.map((connection) => connection.ask(["FLUSHALL"])));
  return both;
}

/** Asks both and expects the same reply, which is returned as text. */
async function askBoth(both: [Connection, Connection], ...words: string[]): Promise<string> {
  const [expected, received] = await Promise.all(both.map((connection) => connection.ask(words)));
  const wanted = render(expected as never);
  const got = render(received as never);
  // Not toBe: a megabyte in a report helps nobody.
  if (wanted !== got) {
    const request = words.join(" ").slice(0, 100);
    throw new Error(
      `${request}\n  expected ${wanted.slice(0, 200)}\n  received ${got.slice(0, 200)}`,
    );
  }
  return got;
}

async function fill(both: [Connection, Connection], key: string, name: string): Promise<void> {
  for (let from = 0; from < ELEMENTS_COUNT; from += ELEMENTS_A_PUSH) {
    const elements = Array.from({ length: ELEMENTS_A_PUSH }, (_, i) =>
      `${from + i}`.padEnd(20, "."),
    );
    await askBoth(both, name, key, ...elements);
  }
}

describe("lists, ours and a real server", () => {
  for (const seed of [1, 2, 3, 4]) {
    test(
      `random commands of seed ${seed} give the same replies`,
      async () => {
        const both = await connectBoth();
        if (both !== null) await compareLists(both[0], both[1], seed, 10);
      },
      CASE_MS_MAX,
    );
  }

  test("compareLists() notices one element more", async () => {
    const both = await connectBoth();
    if (both === null) return;
    const [theirs, own] = both;
    let asked = 0;
    const intruder: Connection = {
      ask: (words) => {
        if (++asked === 100) own.ask(["RPUSH", "a", "intruder"]);
        return own.ask(words);
      },
      close: () => own.close(),
    };
    await expect(compareLists(theirs, intruder, 1, 2)).rejects.toThrow("expected");
  });

  for (const name of ["RPUSH", "LPUSH"]) {
    test(
      `a list of ${ELEMENTS_COUNT} elements built by ${name}`,
      async () => {
        const both = await connectBoth();
        if (both === null) return;
        await fill(both, "k", name);
        expect(await askBoth(both, "LLEN", "k")).toBe(`:${ELEMENTS_COUNT}`);
        for (const index of ["0", "-1", "1", "50000", "-50000", "99999", "12345", "100000"]) {
          await askBoth(both, "LINDEX", "k", index);
        }
        await askBoth(both, "LRANGE", "k", "0", "-1");
        await askBoth(both, "LRANGE", "k", "49990", "50010");
        await askBoth(both, "LPOS", "k", "77777".padEnd(20, "."));
        await askBoth(both, "LPOS", "k", "77777".padEnd(20, "."), "RANK", "-1");
        await askBoth(both, "LSET", "k", "50000", "x".repeat(5000));
        await askBoth(both, "LTRIM", "k", "10", "-11");
        await askBoth(both, "LPOP", "k", "20000");
        await askBoth(both, "RPOP", "k", "20000");
        await askBoth(both, "LTRIM", "k", "100", "199");
        await askBoth(both, "LRANGE", "k", "0", "-1");
      },
      CASE_MS_MAX,
    );
  }

  test(
    "changes in the middle of a long list",
    async () => {
      const both = await connectBoth();
      if (both === null) return;
      await fill(both, "k", "RPUSH");
      const pivot = "50000".padEnd(20, ".");
      for (let i = 0; i < 300; i++) {
        await askBoth(both, "LINSERT", "k", i % 2 === 0 ? "BEFORE" : "AFTER", pivot, "same");
      }
      for (const index of ["49999", "50000", "50300", "-40000", "75000"]) {
        await askBoth(both, "LINDEX", "k", index);
      }
      await askBoth(both, "LRANGE", "k", "49000", "51000");
      await askBoth(both, "LREM", "k", "-100", "same");
      await askBoth(both, "LREM", "k", "100", "same");
      await askBoth(both, "LREM", "k", "0", "same");
      await askBoth(both, "RPUSH", "k", ...Array.from({ length: 20_000 }, () => "tail"));
      await askBoth(both, "LREM", "k", "0", "tail");
      await askBoth(both, "LRANGE", "k", "0", "-1");
      await askBoth(both, "LMOVE", "k", "k", "LEFT", "RIGHT");
      await askBoth(both, "COPY", "k", "k2");
      await askBoth(both, "LRANGE", "k2", "-1000", "-1");
      await askBoth(both, "DEL", "k");
      await askBoth(both, "LRANGE", "k2", "0", "1000");
    },
    CASE_MS_MAX,
  );

  test(
    "a push of many elements at once, and an element of 4 MB",
    async () => {
      const both = await connectBoth();
      if (both === null) return;
      await askBoth(both, "RPUSH", "k", ...Array.from({ length: 50_000 }, (_, i) => `${i}`));
      await askBoth(both, "LPOP", "k", "60000");
      expect(await askBoth(both, "EXISTS", "k")).toBe(":0");
      const large = "0123456789".repeat(400_000);
      await askBoth(both, "RPUSH", "k", "a", large, "b");
      await askBoth(both, "LINDEX", "k", "1");
      expect(await askBoth(both, "LPOS", "k", large)).toBe(":1");
      await askBoth(both, "LMOVE", "k", "other", "RIGHT", "LEFT");
      await askBoth(both, "RPOPLPUSH", "k", "other");
      await askBoth(both, "LREM", "other", "0", large);
      await askBoth(both, "LRANGE", "other", "0", "-1");
    },
    CASE_MS_MAX,
  );
});

test(
  "elements that many clients move between lists are neither lost nor doubled",
  async () => {
    const clients = await Promise.all(Array.from({ length: 8 }, () => ours.connect()));
    connections.push(...clients);
    const first = clients[0] as Connection;
    await first.ask(["FLUSHALL"]);
    const elements = Array.from({ length: 50 }, (_, i) =>
      `${i}`.padEnd(i % 7 === 0 ? 300 : 5, "."),
    );
    await first.ask(["RPUSH", "x", ...elements]);
    const prng = new Prng(11);
    const requests = clients.flatMap((client) =>
      Array.from({ length: 500 }, () => {
        const [from, to] = [prng.pick(["x", "y", "z"]), prng.pick(["x", "y", "z"])];
        const ends = [prng.pick(["LEFT", "RIGHT"]), prng.pick(["LEFT", "RIGHT"])];
        return client.ask(prng.chance(3) ? ["RPOPLPUSH", from, to] : ["LMOVE", from, to, ...ends]);
      }),
    );
    for (const reply of await Promise.all(requests)) expect(["$", "nil"]).toContain(reply.kind);
    const left: string[] = [];
    for (const key of ["x", "y", "z"]) {
      const reply = await first.ask(["LRANGE", key, "0", "-1"]);
      if ("items" in reply) left.push(...reply.items.map(render));
    }
    expect(left.sort()).toEqual(elements.map((element) => `"${element}"`).sort());
  },
  CASE_MS_MAX,
);

test("ListCommands gives the same commands for the same seed", () => {
  const [one, other] = [new ListCommands(9), new ListCommands(9)];
  for (let i = 0; i < 100; i++) expect(one.next()).toEqual(other.next());
});
