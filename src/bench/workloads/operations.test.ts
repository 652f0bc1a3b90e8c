/** OperationRequests: the bytes of every operation, exact proportions, and replies looked into. */
import { expect, test } from "bun:test";
import { decodeReplies } from "../../resp/reader.ts";
import { ReplyCounter } from "../drivers/reply-counter.ts";
import { RequestRing } from "../drivers/request-ring.ts";
import type { OperationName, ValuePlan } from "../plan.ts";
import { PhaseRecorder } from "../recorder/phase-recorder.ts";
import { createKeyOrder } from "./key-order.ts";
import { KeySpace } from "./key-space.ts";
import { OperationRequests, type OperationRequestsOptions } from "./operations.ts";
import { shapeOf } from "./requests.ts";
import { createValues } from "./values.ts";

const TEXT: ValuePlan = { size: "3-20", format: "string", zstdLevel: null, compressibility: 0 };

function made(
  shares: [OperationName, number][],
  changes: Partial<OperationRequestsOptions> = {},
  plan: ValuePlan = TEXT,
) {
  const values = createValues(plan, 5);
  const encoder = new OperationRequests({
    operations: shares.map(([operation, weight]) => ({ operation, weight })),
    order: createKeyOrder("sequential", 500, 1),
    space: new KeySpace(500, 0, 1),
    values,
    chat: { chatsCount: 500, historyLength: 10, readSize: 4 },
    seed: 5,
    mixSeed: 5,
    batchSize: 64,
    isVerifying: false,
    isOrdered: false,
    ...changes,
  });
  const counter = new ReplyCounter();
  const recorder = new PhaseRecorder(shares.length, true, false);
  const ring = new RequestRing(counter, encoder.shapes, encoder.listener, recorder);
  counter.reset(encoder.shapes[0] ?? shapeOf(0), ring);
  return { encoder, values, counter, recorder, ring };
}

/** The next `count` operations as lists of arguments. */
function requestsOf({ encoder, ring }: ReturnType<typeof made>, count: number): string[][] {
  const bytes = Buffer.from(encoder.bytes.subarray(0, encoder.encode(count, ring)));
  return decodeReplies(bytes, { bulksAsText: true }) as string[][];
}

function feed(counter: ReplyCounter, text: string): number {
  const bytes = Buffer.from(text, "latin1");
  return counter.feed(bytes, 0, bytes.length);
}

function bulk(value: Buffer): string {
  return `$${value.length}\r\n${value.toString("latin1")}\r\n`;
}

const KEY = /^simple:(\d{10}):\w{10}$/;

test("OperationRequests writes SET and GET of the same keys with values of any size", () => {
  const writing = made([["set", 1]]);
  const reading = made([["get", 1]]);
  const sets = requestsOf(writing, 10);
  const gets = requestsOf(reading, 10);
  for (const [key, [name, text, value]] of sets.entries()) {
    expect(name).toBe("SET");
    expect(Number(KEY.exec(text ?? "")?.[1])).toBe(key);
    expect(gets[key]).toEqual(["GET", text ?? ""]);
    expect(value).toBe(writing.values.bytesOf(key).toString("latin1"));
  }
  const sizes = sets.map(([, , value]) => value?.length ?? 0);
  expect(writing.encoder.payloadBytes).toBe(sizes.reduce((sum, size) => sum + size, 0));
  expect(reading.encoder.readsCount).toBe(10);
  expect([writing.encoder.isUniform, reading.encoder.isUniform]).toEqual([true, false]);
});

test("OperationRequests writes a push as LPUSH and LTRIM, which are one operation", () => {
  const pushing = made([["push", 1]]);
  const [push, trim] = requestsOf(pushing, 1);
  expect(push?.slice(0, 1)).toEqual(["LPUSH"]);
  expect(push?.[1]).toMatch(/^chat:0000000000:\w{10}$/);
  expect(push?.[2]).toBe(pushing.values.bytesOf(0).toString("latin1"));
  expect(trim).toEqual(["LTRIM", push?.[1] ?? "", "0", "9"]);
  pushing.ring.sent(1);
  pushing.ring.nowNs = 101;
  expect(feed(pushing.counter, ":1\r\n")).toBe(1);
  expect(pushing.ring.operationsDone).toBe(0);
  expect(feed(pushing.counter, "+OK\r\n")).toBe(1);
  expect(pushing.ring.operationsDone).toBe(1);
  expect(pushing.counter.unexpectedCount).toBe(0);
  expect(pushing.recorder.primary?.sumNs).toBe(100);
});

test("OperationRequests bounds a range, and counts an empty list as a miss", () => {
  const ranging = made([["range", 1]]);
  const [range] = requestsOf(ranging, 3);
  expect(range).toEqual(["LRANGE", expect.stringMatching(/^chat:0{10}:/), "0", "3"]);
  const value = "$3\r\nabc\r\n";
  feed(ranging.counter, `*4\r\n${value.repeat(4)}*5\r\n${value.repeat(5)}*0\r\n`);
  const { unexpectedCount, nullsCount } = ranging.counter;
  expect({ unexpectedCount, nullsCount }).toEqual({ unexpectedCount: 1, nullsCount: 1 });
  expect(ranging.ring.operationsDone).toBe(3);
});

test("OperationRequests checks every element of a list with a format", () => {
  const json: ValuePlan = { ...TEXT, format: "json", size: "10" };
  const ranging = made([["range", 1]], {}, json);
  requestsOf(ranging, 1);
  const good = ranging.values.bytesOf(3);
  const bad = Buffer.from(good);
  bad[bad.length - 1]! ^= 1;
  feed(ranging.counter, `*3\r\n${bulk(good)}${bulk(bad)}${bulk(ranging.values.bytesOf(4))}`);
  expect(ranging.ring.wrongCount).toBe(1);
});

test("OperationRequests knows the order of lists that one connection wrote", () => {
  const plan: ValuePlan = { ...TEXT, size: "8" };
  const ranging = made([["range", 1]], { isVerifying: true, isOrdered: true }, plan);
  requestsOf(ranging, 2);
  const element = (number: number) => bulk(ranging.values.bytesOf(number));
  feed(ranging.counter, `*3\r\n${element(9)}${element(5)}${element(0)}`);
  expect(ranging.ring.wrongCount).toBe(0);
  feed(ranging.counter, `*3\r\n${element(9)}${element(5)}${element(6)}`);
  expect(ranging.ring.wrongCount).toBe(1);
});

test("OperationRequests writes after the reply in a read-modify-write", () => {
  const { encoder, ring, counter, recorder, values } = made([["rmw", 1]], { isVerifying: true });
  encoder.encode(2, ring);
  ring.sent(10);
  ring.nowNs = 20;
  expect(feed(counter, bulk(values.bytesOf(0)) + bulk(values.bytesOf(1)))).toBe(2);
  expect([ring.followUpsCount, ring.operationsDone]).toEqual([2, 0]);
  const encode = (shape: number, key: number, at: number) => encoder.encodeFollowUp(shape, key, at);
  const size = ring.addFollowUps(encode, encoder.countMax);
  const sets = decodeReplies(Buffer.from(encoder.bytes.subarray(0, size)), { bulksAsText: true });
  expect(sets).toEqual([
    ["SET", expect.stringMatching(KEY), values.bytesOf(0).toString("latin1")],
    ["SET", expect.stringMatching(KEY), values.bytesOf(1).toString("latin1")],
  ]);
  ring.nowNs = 40;
  feed(counter, "+OK\r\n+OK\r\n");
  expect(ring.operationsDone).toBe(2);
  // From the GET to the reply of the SET.
  expect(recorder.primary?.sumNs).toBe(60);
  expect([ring.wrongCount, counter.unexpectedCount, ring.length]).toEqual([0, 0, 0]);
});

test("OperationRequests scans a run of neighbouring keys, each value looked at", () => {
  const { encoder, ring, counter, values } = made([["scan", 1]], { isVerifying: true });
  const bytes = Buffer.from(encoder.bytes.subarray(0, encoder.encode(1, ring)));
  const [[name, ...keys] = []] = decodeReplies(bytes, { bulksAsText: true }) as string[][];
  expect(name).toBe("MGET");
  expect(keys.length).toBe(encoder.readsCount);
  expect(keys.map((key) => Number(KEY.exec(key)?.[1]))).toEqual(keys.map((_, index) => index));
  const replies = keys.map((_, index) => bulk(values.bytesOf(index === 1 ? 2 : index)));
  feed(counter, `*${keys.length}\r\n${replies.join("")}`);
  expect([ring.wrongCount, counter.unexpectedCount]).toEqual([1, 0]);
});

test("OperationRequests inserts new keys, which count only when they are answered", () => {
  const space = new KeySpace(500, 0, 1);
  const inserting = made([["insert", 1]], { space });
  const keys = requestsOf(inserting, 3).map(([, key]) => Number(KEY.exec(key ?? "")?.[1]));
  expect(keys).toEqual([500, 501, 502]);
  expect(space.count).toBe(500);
  feed(inserting.counter, "+OK\r\n+OK\r\n");
  expect(space.count).toBe(502);
});

test("KeySpace counts inserts without gaps, and numbers those of each process differently", () => {
  const space = new KeySpace(10, 1, 3);
  const keys = [space.insert(), space.insert(), space.insert()];
  expect(keys).toEqual([11, 14, 17]);
  space.answered(17);
  space.answered(14);
  expect(space.count).toBe(10);
  space.answered(11);
  expect([space.count, space.keyAt(9), space.keyAt(12)]).toEqual([13, 9, 17]);
});

test("OperationRequests mixes in exact proportions", () => {
  const mixed = made([
    ["get", 9],
    ["set", 1],
  ]);
  const names = [1, 2, 3, 4, 5].flatMap(() => requestsOf(mixed, 60).map(([name]) => name));
  expect(names.filter((name) => name === "SET").length).toBe(30);
  const replies = names.map((name) => (name === "SET" ? "+OK\r\n" : "$-1\r\n")).join("");
  feed(mixed.counter, replies);
  expect([...mixed.recorder.counts]).toEqual([270, 30]);
  expect(mixed.counter.unexpectedCount).toBe(0);
});

test("RequestRing keeps the order of more requests than it was made for", () => {
  const reading = made([["get", 1]], { batchSize: 1000 });
  for (let round = 0; round < 5; round++) {
    requestsOf(reading, 200);
    feed(reading.counter, bulk(reading.values.bytesOf(round)));
  }
  for (let key = 5; key < 1000; key++) {
    feed(reading.counter, bulk(reading.values.bytesOf(key % 500)));
  }
  expect([reading.ring.length, reading.ring.operationsDone]).toEqual([0, 1000]);
  expect(reading.counter.unexpectedCount).toBe(0);
});
