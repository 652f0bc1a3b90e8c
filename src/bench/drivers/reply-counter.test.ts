/**
 * ReplyCounter: every kind of reply, split at every byte, wrong replies, and streams that are not
 * RESP2.
 */
import { expect, test } from "bun:test";
import { shapeOf } from "../workloads/requests.ts";
import { runClientCost } from "./client-cost.bench.ts";
import { fuzzReplyCounter } from "./reply-counter.fuzz.ts";
import { ReplyCounter, ReplyKind, type ReplyObserver } from "./reply-counter.ts";

const BULK_OF_3 = shapeOf(ReplyKind.Bulk, { bulkLength: 3 });

interface Expected {
  replies: number;
  errors?: number;
  nulls?: number;
  unexpected?: number;
  payload?: number;
}

const bulkStreams: Record<string, [stream: string, expected: Expected]> = {
  "bulk strings": ["$3\r\nabc\r\n$3\r\nxyz\r\n", { replies: 2, payload: 6 }],
  "a bulk string with CRLF inside": ["$3\r\na\r\n\r\n", { replies: 1, payload: 3 }],
  "an empty bulk string": ["$0\r\n\r\n", { replies: 1, unexpected: 1 }],
  "a bulk string of another length": ["$4\r\nabcd\r\n", { replies: 1, unexpected: 1, payload: 4 }],
  nulls: ["$-1\r\n*-1\r\n$3\r\nabc\r\n", { replies: 3, nulls: 2, payload: 3 }],
  errors: ["-ERR no\r\n-OOM full\r\n-OOM full\r\n", { replies: 3, errors: 3 }],
  "a status": ["+OK\r\n+PONG\r\n", { replies: 2, unexpected: 2 }],
  "an integer": [":42\r\n", { replies: 1, unexpected: 1 }],
  "an empty array": ["*0\r\n$3\r\nabc\r\n", { replies: 2, unexpected: 1, payload: 3 }],
  "an array": ["*2\r\n$3\r\nabc\r\n:1\r\n", { replies: 1, unexpected: 1, payload: 3 }],
  "nested arrays": [
    "*2\r\n*2\r\n$1\r\na\r\n-ERR x\r\n*1\r\n*0\r\n$3\r\nabc\r\n",
    { replies: 2, unexpected: 1, errors: 1, payload: 4 },
  ],
};

function check(counter: ReplyCounter, replies: number, expected: Expected): void {
  expect({
    replies,
    errors: counter.errorsCount,
    nulls: counter.nullsCount,
    unexpected: counter.unexpectedCount,
    payload: counter.payloadBytes,
    malformed: counter.malformed,
  }).toEqual({ errors: 0, nulls: 0, unexpected: 0, payload: 0, malformed: "", ...expected });
}

for (const [name, [stream, expected]] of Object.entries(bulkStreams)) {
  test(`ReplyCounter.feed() counts ${name}, split at every byte`, () => {
    const bytes = Buffer.from(stream, "latin1");
    for (let cut = 0; cut <= bytes.length; cut++) {
      const counter = new ReplyCounter();
      counter.reset(BULK_OF_3, null);
      let replies = counter.feed(bytes, 0, cut);
      replies += counter.feed(bytes, cut, bytes.length);
      check(counter, replies, expected);
    }
    const counter = new ReplyCounter();
    counter.reset(BULK_OF_3, null);
    let replies = 0;
    for (let at = 0; at < bytes.length; at++) replies += counter.feed(bytes, at, at + 1);
    check(counter, replies, expected);
  });
}

const arrayStreams: Record<string, [stream: string, expected: Expected]> = {
  "bulk strings within the bound": ["*2\r\n$1\r\na\r\n$0\r\n\r\n", { replies: 1, payload: 1 }],
  "too many elements": [
    `*4\r\n${"$1\r\na\r\n".repeat(4)}`,
    { replies: 1, unexpected: 1, payload: 4 },
  ],
  "an empty array, which is a miss": ["*0\r\n*0\r\n", { replies: 2, nulls: 2 }],
  "elements that are no bulk strings": [
    "*3\r\n:1\r\n+OK\r\n*1\r\n$1\r\na\r\n",
    { replies: 1, unexpected: 3, payload: 1 },
  ],
  "null elements": ["*2\r\n$-1\r\n$1\r\na\r\n", { replies: 1, nulls: 1, payload: 1 }],
  "a bulk string": ["$1\r\na\r\n", { replies: 1, unexpected: 1, payload: 1 }],
  errors: ["-ERR no\r\n", { replies: 1, errors: 1 }],
};
for (const [name, [stream, expected]] of Object.entries(arrayStreams)) {
  test(`ReplyCounter.feed(), when an array is due, takes ${name}, split at every byte`, () => {
    const bytes = Buffer.from(stream, "latin1");
    for (let cut = 0; cut <= bytes.length; cut++) {
      const counter = new ReplyCounter();
      counter.reset(shapeOf(ReplyKind.BulkArray, { itemsMin: 1, itemsMax: 3 }), null);
      const replies = counter.feed(bytes, 0, cut);
      check(counter, replies + counter.feed(bytes, cut, bytes.length), expected);
    }
  });
}

test("ReplyCounter.feed() takes an integer when one is due, and anything when anything is", () => {
  const bytes = Buffer.from(":7\r\n+OK\r\n*1\r\n*0\r\n$2\r\nOK\r\n");
  const counter = new ReplyCounter();
  counter.reset(shapeOf(ReplyKind.Integer), null);
  check(counter, counter.feed(bytes, 0, bytes.length), { replies: 4, unexpected: 3, payload: 2 });
  counter.reset(shapeOf(ReplyKind.Any), null);
  check(counter, counter.feed(bytes, 0, bytes.length), { replies: 4, payload: 2 });
});

test("ReplyCounter.feed() takes any status and nothing else when a status is due", () => {
  const counter = new ReplyCounter();
  counter.reset(shapeOf(ReplyKind.Status), null);
  const bytes = Buffer.from("+OK\r\n+QUEUED\r\n:1\r\n$2\r\nOK\r\n");
  check(counter, counter.feed(bytes, 0, bytes.length), { replies: 4, unexpected: 2, payload: 2 });
});

test("ReplyCounter counts errors by their code and keeps the first text", () => {
  const counter = new ReplyCounter();
  const bytes = Buffer.from("-OOM command not allowed\r\n-ERR b\r\n-OOM c\r\n");
  counter.feed(bytes, 0, 10);
  counter.feed(bytes, 10, bytes.length);
  expect([...counter.errorKinds]).toEqual([
    ["OOM", 2],
    ["ERR", 1],
  ]);
  expect(counter.firstError).toBe("OOM command not allowed");
});

const malformed = [
  "x",
  "HTTP/1.1 400\r\n",
  "$3x\r\nabc\r\n",
  "$1-2\r\n",
  "*a\r\n",
  ">2\r\n",
  "_\r\n",
];
for (const stream of malformed) {
  test(`ReplyCounter.feed() returns -1 for ${JSON.stringify(stream)}`, () => {
    const counter = new ReplyCounter();
    const bytes = Buffer.from(stream);
    expect(counter.feed(bytes, 0, bytes.length)).toBe(-1);
    expect(counter.malformed).not.toBe("");
  });
}

test("ReplyCounter.feed() refuses a line without an end", () => {
  const counter = new ReplyCounter();
  const bytes = Buffer.alloc(70_000, "+");
  expect(counter.feed(bytes, 0, bytes.length)).toBe(-1);
});

/** Collects what an observer is shown as one line of text per reply. */
class Collector implements ReplyObserver {
  text = "";
  piece(bytes: Buffer, start: number, end: number, offset: number, length: number): void {
    expect(offset + end - start).toBeLessThanOrEqual(length);
    expect(offset).toBe(this.text.length - this.text.lastIndexOf("|") - 1);
    this.text += bytes.toString("latin1", start, end);
  }
  replyDone(): void {
    this.text += "|";
  }
}

test("ReplyCounter shows the observer every byte of the bulk strings, split at every byte", () => {
  const bytes = Buffer.from("$3\r\nabc\r\n$-1\r\n$5\r\nhello\r\n-ERR\r\n+OK\r\n$0\r\n\r\n");
  for (let cut = 0; cut <= bytes.length; cut++) {
    const collector = new Collector();
    const counter = new ReplyCounter();
    counter.reset(shapeOf(ReplyKind.Bulk), collector);
    counter.feed(bytes, 0, cut);
    counter.feed(bytes, cut, bytes.length);
    expect(collector.text).toBe("abc||hello||||");
  }
});

test("ReplyCounter agrees with random replies, and the fuzzer notices one that is missing", () => {
  expect(fuzzReplyCounter({ seed: 1, rounds: 300 })).toBeGreaterThan(1000);
  expect(() => fuzzReplyCounter({ seed: 1, rounds: 3, canary: true })).toThrow("seed 1");
});

test("runClientCost() does the work that it measures", () => {
  const { costs, checksum } = runClientCost(2);
  expect(costs.size).toBe(10);
  // SET of 184 and GET of 48 bytes in two orders, two counts of replies; records add up.
  expect(checksum).toBe(
    4 * 50 * (2 * 184 + 2 * 48 + 2) + 50 + 100 + 150 + 200 + 4 * (50 + 100 + 50),
  );
});
