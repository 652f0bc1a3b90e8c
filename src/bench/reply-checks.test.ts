/** What is counted as missing, unexpected or wrong among whole values. */
import { expect, test } from "bun:test";
import { ReplyChecks } from "./reply-checks.ts";
import { createValues } from "./workloads/values.ts";

const VALUES = createValues(
  { size: "20", format: "string", zstdLevel: null, compressibility: 0 },
  1,
);
const CHAT = { chatsCount: 1, historyLength: 5, readSize: 3 };

function checks(isVerifying: boolean, concurrency = 2): ReplyChecks {
  return new ReplyChecks(VALUES, { isVerifying, chat: CHAT, concurrency });
}

const bytesOf = (key: number) => VALUES.bytesOf(key);

test("value() tells right, wrong, missing and cut values apart", () => {
  const all = checks(true);
  all.value(1, bytesOf(1));
  all.value(1, bytesOf(1).toString("latin1"));
  all.value(1, bytesOf(2));
  all.value(1, null);
  all.value(1, bytesOf(1).subarray(1));
  expect(all.counts).toMatchObject({ nulls: 1, wrongValues: 2, unexpected: 0 });
  expect(all.counts.payloadBytesIn).toBe(79);
});

test("value() without --verify looks at the length only", () => {
  const all = checks(false);
  all.value(1, bytesOf(2));
  all.value(1, bytesOf(1).subarray(1));
  expect(all.counts).toMatchObject({ wrongValues: 0, unexpected: 1 });
});

test("values() wants one value for each key", () => {
  const all = checks(true);
  all.values(4, 2, [bytesOf(4), bytesOf(5)]);
  all.values(4, 2, [bytesOf(4), null]);
  all.values(4, 2, [bytesOf(5), bytesOf(4)]);
  all.values(4, 2, [bytesOf(4)]);
  all.values(4, 2, null);
  expect(all.counts).toMatchObject({ nulls: 1, wrongValues: 2, unexpected: 2 });
});

test("items() takes values of this run only, as many as were asked for", () => {
  const all = checks(true);
  all.items([bytesOf(3), bytesOf(9)]);
  all.items([]);
  all.items([bytesOf(1), bytesOf(1), bytesOf(1), bytesOf(1)]);
  all.items([bytesOf(1).fill("!")]);
  all.items([bytesOf(1), null]);
  expect(all.counts).toMatchObject({ nulls: 1, wrongValues: 1, unexpected: 2 });
});

test("items() wants the newest first where one connection writes", () => {
  const all = checks(true, 1);
  all.items([bytesOf(9), bytesOf(8), bytesOf(2)]);
  expect(all.counts.wrongValues).toBe(0);
  all.items([bytesOf(8), bytesOf(9)]);
  expect(all.counts.wrongValues).toBe(1);
});

test("refused() counts by the first word, ok() and count() what answers a write", () => {
  const all = checks(true);
  all.refused("WRONGTYPE Operation against a key");
  all.refused("OOM command not allowed");
  all.refused("OOM again");
  all.ok("OK");
  all.ok(Buffer.from("OK"));
  all.ok(null);
  all.count(1);
  all.count("1");
  expect(all.counts.errorKinds).toEqual({ WRONGTYPE: 1, OOM: 2 });
  expect(all.counts.errorFirst).toStartWith("WRONGTYPE");
  expect(all.counts.unexpected).toBe(2);
});

test("anything() counts the bytes of strings, and misses of what reads one value", () => {
  const all = checks(true);
  all.anything([Buffer.from("ab"), ["c", 1, null]], false);
  all.anything(null, true);
  all.anything(null, false);
  expect(all.counts).toMatchObject({ payloadBytesIn: 3, nulls: 1 });
});
