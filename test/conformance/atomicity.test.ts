/**
 * Atomicity between clients on different threads: litmus tests.
 *
 * In each, writers keep a relation between keys (or the bytes of one value) while readers look for
 * a moment at which it does not hold. A control comes first: the same with the change made in two
 * commands must be caught, or the test could not see anything. How many looks the control needed
 * decides how many the real run takes: LOOKS_FACTOR times as many, and LOOKS_MIN at the least.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type RunningPeer, startOurs } from "./peers.ts";
import type { Reply } from "./reply.ts";
import { render } from "./transcript.ts";

/** Connections of each kind: enough that readers and writers share no thread somewhere. */
const WRITERS_COUNT = 4;
const READERS_COUNT = 4;
/** Requests in flight on each connection. */
const DEPTH = 32;
const LOOKS_MIN = 20_000;
const LOOKS_FACTOR = 5;
/** A control that has seen nothing after this many looks has failed. */
const CONTROL_LOOKS_MAX = 3_000_000;
const TEST_MS_MAX = 60_000;

type Command = readonly string[];

interface Litmus {
  readonly name: string;
  readonly setUp?: readonly Command[];
  /** The change number `i` of a writer, as one command. */
  readonly change: (i: number) => readonly Command[];
  /** The same in several commands. */
  readonly control: (i: number) => readonly Command[];
  readonly look: Command;
  readonly isTorn: (reply: Reply) => boolean;
}

const LARGE = 100_000;
const filled = [0, 1].map((i) => "ab"[i]!.repeat(LARGE)) as [string, string];

const LITMUSES: readonly Litmus[] = [
  {
    name: "MGET never sees half of an MSET",
    change: (i) => [["MSET", "x", `${i}`, "y", `${i}`, "z", `${i}`]],
    control: (i) => [
      ["SET", "x", `${i}`],
      ["SET", "y", `${i}`],
      ["SET", "z", `${i}`],
    ],
    look: ["MGET", "z", "x", "y"],
    isTorn: areDifferent,
  },
  {
    name: "MGET never sees half of an MSET that makes values longer and shorter",
    change: (i) => [["MSET", "x", sized(i), "y", sized(i)]],
    control: (i) => [
      ["SET", "x", sized(i)],
      ["SET", "y", sized(i)],
    ],
    look: ["MGET", "x", "y"],
    isTorn: areDifferent,
  },
  {
    name: "EXISTS never sees a renamed key under both names or none",
    setUp: [["SET", "a", "v"]],
    change: (i) => [i % 2 === 0 ? ["RENAMENX", "a", "b"] : ["RENAMENX", "b", "a"]],
    control: (i) => (i % 2 === 0 ? copyThenDelete("a", "b") : copyThenDelete("b", "a")),
    look: ["EXISTS", "a", "b"],
    isTorn: (reply) => render(reply) !== ":1",
  },
  {
    name: "KEYS never sees a renamed key under both names or none",
    setUp: [["SET", "a", "v"]],
    change: (i) => [i % 2 === 0 ? ["RENAMENX", "a", "b"] : ["RENAMENX", "b", "a"]],
    control: (i) => (i % 2 === 0 ? copyThenDelete("a", "b") : copyThenDelete("b", "a")),
    look: ["KEYS", "*"],
    isTorn: (reply) => !("items" in reply) || reply.items.length !== 1,
  },
  {
    name: "EXISTS never sees one of two keys that come and go together",
    change: (i) => [i % 2 === 0 ? ["MSET", "p", "1", "q", "1"] : ["DEL", "p", "q"]],
    control: (i) =>
      i % 2 === 0
        ? [
            ["SET", "p", "1"],
            ["SET", "q", "1"],
          ]
        : [
            ["DEL", "p"],
            ["DEL", "q"],
          ],
    look: ["EXISTS", "q", "p"],
    isTorn: (reply) => render(reply) === ":1",
  },
  {
    name: "MSETNX sets all keys or none",
    change: (i) => [i % 2 === 0 ? ["MSETNX", "m", "1", "n", "1"] : ["UNLINK", "n", "m"]],
    control: (i) =>
      i % 2 === 0
        ? [
            ["SETNX", "m", "1"],
            ["SETNX", "n", "1"],
          ]
        : [
            ["UNLINK", "n"],
            ["UNLINK", "m"],
          ],
    look: ["EXISTS", "m", "n"],
    isTorn: (reply) => render(reply) === ":1",
  },
];

let peer: RunningPeer;

beforeAll(async () => {
  peer = await startOurs(2);
});

afterAll(async () => {
  await peer.stop();
});

describe("two threads", () => {
  for (const litmus of LITMUSES) {
    test(
      litmus.name,
      async () => {
        const control = await run(litmus, litmus.control, CONTROL_LOOKS_MAX);
        expect(control.torn).not.toBeNull();
        const looks = Math.max(LOOKS_MIN, control.looks * LOOKS_FACTOR);
        expect((await run(litmus, litmus.change, looks)).torn).toBeNull();
      },
      TEST_MS_MAX,
    );
  }

  test(
    "GET never sees two versions of a large value in one",
    async () => {
      const litmus: Litmus = {
        name: "",
        setUp: [["SET", "big", filled[0]]],
        change: (i) => [["SET", "big", filled[i & 1]!]],
        control: (i) => [
          ["SETRANGE", "big", "0", filled[i & 1]!.slice(0, LARGE / 2)],
          ["SETRANGE", "big", `${LARGE / 2}`, filled[i & 1]!.slice(0, LARGE / 2)],
        ],
        look: ["GET", "big"],
        isTorn: isMixed,
      };
      expect((await run(litmus, litmus.control, 20_000, 2)).torn).not.toBeNull();
      expect((await run(litmus, litmus.change, 2000, 2)).torn).toBeNull();
    },
    TEST_MS_MAX,
  );

  test(
    "INCR, APPEND and SETRANGE of many clients lose nothing",
    async () => {
      const each = 5000;
      const connections = await Promise.all(Array.from({ length: 6 }, () => peer.connect()));
      await connections[0]!.ask(["FLUSHALL"]);
      const replies: Promise<Reply>[] = [];
      for (const connection of connections) {
        for (let i = 0; i < each; i++) {
          replies.push(connection.ask(["INCR", "n"]), connection.ask(["APPEND", "s", "12345678"]));
        }
      }
      const seen = new Set((await Promise.all(replies)).map(render));
      const total = each * connections.length;
      // Every INCR and every APPEND has had a result of its own.
      expect(render(await connections[0]!.ask(["GET", "n"]))).toBe(`"${total}"`);
      expect(render(await connections[0]!.ask(["STRLEN", "s"]))).toBe(`:${total * 8}`);
      for (let i = 1; i <= total; i++) expect(seen.has(`:${i}`)).toBe(true);
      for (const connection of connections) connection.close();
    },
    TEST_MS_MAX,
  );

  test(
    "GET and SET lose updates where INCR does not (the control)",
    async () => {
      const connections = await Promise.all(Array.from({ length: 4 }, () => peer.connect()));
      await connections[0]!.ask(["SET", "n", "0"]);
      await Promise.all(
        connections.map(async (connection) => {
          for (let i = 0; i < 500; i++) {
            const reply = await connection.ask(["GET", "n"]);
            const value = reply.kind === "$" ? Number(reply.bytes.toString()) : 0;
            await connection.ask(["SET", "n", `${value + 1}`]);
          }
        }),
      );
      expect(render(await connections[0]!.ask(["GET", "n"]))).not.toBe('"2000"');
      for (const connection of connections) connection.close();
    },
    TEST_MS_MAX,
  );
});

/** Writers and readers at once, until a torn look or `looksMax` looks. */
async function run(
  litmus: Litmus,
  change: (i: number) => readonly Command[],
  looksMax: number,
  depth = DEPTH,
): Promise<{ looks: number; torn: Reply | null }> {
  const first = await peer.connect();
  await first.ask(["FLUSHALL"]);
  for (const command of litmus.setUp ?? []) await first.ask(command);
  first.close();
  const state = { looks: 0, torn: null as Reply | null, isOver: false };
  const writers = Array.from({ length: WRITERS_COUNT }, async () => {
    const connection = await peer.connect();
    for (let i = 0; !state.isOver; i++) {
      const replies: Promise<Reply>[] = [];
      for (let k = 0; k < depth; k++) {
        for (const command of change(i * depth + k)) replies.push(connection.ask(command));
      }
      await Promise.all(replies);
    }
    connection.close();
  });
  const readers = Array.from({ length: READERS_COUNT }, async () => {
    const connection = await peer.connect();
    while (state.torn === null && state.looks < looksMax) {
      const replies = Array.from({ length: depth }, () => connection.ask(litmus.look));
      for (const reply of await Promise.all(replies)) {
        state.looks++;
        if (litmus.isTorn(reply)) state.torn ??= reply;
      }
    }
    connection.close();
  });
  await Promise.all(readers);
  state.isOver = true;
  await Promise.all(writers);
  return state;
}

function copyThenDelete(from: string, to: string): readonly Command[] {
  return [
    ["COPY", from, to],
    ["DEL", from],
  ];
}

function sized(i: number): string {
  return `${i}`.padStart(1 + ((i * 37) % 300), "0");
}

function areDifferent(reply: Reply): boolean {
  if (!("items" in reply)) return true;
  return new Set(reply.items.map(render)).size !== 1;
}

function isMixed(reply: Reply): boolean {
  if (reply.kind !== "$" || reply.bytes.length !== LARGE) return true;
  const other = reply.bytes[0] === 0x61 ? 0x62 : 0x61;
  return reply.bytes.includes(other);
}
