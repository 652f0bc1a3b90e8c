/** Messages as publishers send them, and as subscribers check them. */
import { expect, test } from "bun:test";
import type { ValuePlan } from "../plan.ts";
import { HEADER_SIZE, header, readHeader } from "./message.ts";
import { PayloadPool } from "./payloads.ts";
import { bareFrame, MessageSource } from "./source.ts";

function valuesOf(changes: Partial<ValuePlan>): ValuePlan {
  return { size: "100", format: "string", zstdLevel: null, compressibility: 0, ...changes };
}

test("MessageSource numbers the messages of each publisher, and starts again with a phase", () => {
  const pool = new PayloadPool(valuesOf({}), 1, true);
  const source = new MessageSource(pool, 2, bareFrame);
  source.start(5);
  const size = source.encode(1, 3);
  expect(source.encodedCount).toBe(3);
  expect(size).toBe(3 * (HEADER_SIZE + 100));
  for (let i = 0; i < 3; i++) {
    expect(readHeader(source.bytes, i * (size / 3), size / 3, 5)).toBe(true);
    expect(header).toMatchObject({ publisher: 1, sequence: i, dueNs: source.sentNs });
  }
  source.dueNs = 12;
  expect(readHeader(source.next(0), 0, HEADER_SIZE, 5)).toBe(true);
  expect(header).toMatchObject({ publisher: 0, sequence: 0, dueNs: 12, sentNs: source.sentNs });
  expect(source.payloadBytes).toBe(400);
  source.start(6);
  expect(readHeader(source.next(1), 0, HEADER_SIZE, 6)).toBe(true);
  expect([header.sequence, source.payloadBytes]).toEqual([0, 100]);
});

test("MessageSource writes as many messages as fit, at least one", () => {
  const small = new MessageSource(new PayloadPool(valuesOf({}), 1, true), 1, bareFrame);
  small.encode(0, 1_000_000);
  expect(small.encodedCount).toBe(Math.floor(small.bytes.length / 132));
  const large = new MessageSource(
    new PayloadPool(valuesOf({ size: "9000000" }), 1, true),
    1,
    bareFrame,
  );
  expect(large.encode(0, 2)).toBe(9_000_032);
  expect(large.encodedCount).toBe(1);
});

test("PayloadPool knows its payloads again in every format, compressed or not", () => {
  const formats = ["string", "json", "cbor", "protobuf", "flatbuffers", "msgpack"] as const;
  for (const format of [...formats, "compact", "view"] as const) {
    for (const zstdLevel of [null, 3]) {
      const pool = new PayloadPool(valuesOf({ format, zstdLevel, size: "10-300" }), 3, true);
      for (const [index, bytes] of pool.encoded.entries()) {
        expect(pool.isRight(index, bytes, 0, bytes.length)).toBe(true);
      }
      const bytes = Buffer.from(pool.encoded[5]!);
      bytes[bytes.length >> 1]! ^= 1;
      expect({ format, zstdLevel, isRight: pool.isRight(5, bytes, 0, bytes.length) }).toEqual({
        format,
        zstdLevel,
        isRight: false,
      });
    }
  }
});

test("PayloadPool checks every size, and without --verify one content in 64", () => {
  const pool = new PayloadPool(valuesOf({}), 1, false);
  const wrong = Buffer.alloc(100, "x");
  const right = Array.from({ length: 640 }, () => pool.isRight(0, wrong, 0, 100));
  expect(right.filter((isRight) => !isRight)).toHaveLength(10);
  expect(pool.isRight(0, wrong, 0, 99)).toBe(false);
});

test("PayloadPool gives neighbouring messages different payloads", () => {
  const pool = new PayloadPool(valuesOf({}), 1, false);
  const indices = Array.from({ length: 256 }, (_, sequence) => pool.indexOf(3, sequence));
  expect(new Set(indices).size).toBe(256);
});
