/** Every kind of value: repeatable, as long as it says, and known again only by its own key. */
import { expect, test } from "bun:test";
import { FORMATS } from "../../formats/formats.ts";
import type { ValuePlan } from "../plan.ts";
import { createValues } from "./values.ts";

function plan(changes: Partial<ValuePlan> = {}): ValuePlan {
  return { size: "100", format: "string", zstdLevel: null, compressibility: 0, ...changes };
}

const plans: ValuePlan[] = [
  ...["1", "5", "6", "200", "3-300", "8:9,1000:1"].map((size) => plan({ size })),
  ...FORMATS.flatMap(({ name }) => [
    plan({ format: name, size: "10-200", compressibility: 0.5 }),
    plan({ format: name, zstdLevel: 3 }),
  ]),
];

for (const each of plans) {
  const zstd = each.zstdLevel === null ? "" : ", zstd";
  test(`createValues(): ${each.format} of ${each.size} B${zstd} keeps to its sizes`, () => {
    const values = createValues(each, 7);
    const target = Buffer.alloc(values.sizeMax + 2, "!");
    let sum = 0;
    let max = 0;
    const keys = 20_000;
    for (let key = 0; key < keys; key++) {
      const size = values.write(key, target, 1);
      expect(size).toBe(values.sizeOf(key));
      sum += size;
      max = Math.max(max, size);
    }
    expect(max).toBe(values.sizeMax);
    expect(Math.abs(sum / keys / values.sizeMean - 1)).toBeLessThan(0.05);
    expect([target[0], target[values.sizeMax + 1]]).toEqual([33, 33]);
  });

  test(`createValues(): ${each.format} of ${each.size} B${zstd} knows its value again`, () => {
    const values = createValues(each, 7);
    const again = createValues(each, 7);
    for (const key of [0, 1, 77, 2_147_483_647]) {
      const bytes = Buffer.from(values.bytesOf(key));
      expect(bytes.equals(again.bytesOf(key))).toBe(true);
      expect(values.check(key, bytes)).toBe(true);
      const number = values.identify(bytes);
      expect(number).toBeGreaterThanOrEqual(0);
      if (values.isNumbered) expect(number).toBe(key);
      expect(values.identify(Buffer.from("€"))).toBe(-1);
      // What leaves the content as it is need not be noticed: a checksum of zstd's, say.
      for (let at = 0; at < bytes.length; at++) {
        bytes[at]! ^= 1;
        if (each.format === "string" && each.zstdLevel === null) {
          expect(values.check(key, bytes)).toBe(false);
        } else values.check(key, bytes);
        bytes[at]! ^= 1;
      }
      expect(values.check(key, Buffer.concat([bytes, Buffer.from("x")]))).toBe(false);
      expect(values.check(key, Buffer.from(bytes.subarray(0, bytes.length - 1)))).toBe(false);
    }
    const other = createValues(each, 8);
    // Six bytes are the mark of the key and nothing else.
    if (values.sizeMax > 6) expect(values.bytesOf(3).equals(other.bytesOf(3))).toBe(false);
  });
}

test("createValues() gives no two keys the same text", () => {
  const values = createValues(plan({ size: "6" }), 1);
  const seen = new Set<string>();
  for (let key = 0; key < 100_000; key++) seen.add(values.bytesOf(key).toString("latin1"));
  expect(seen.size).toBe(100_000);
});

test("createValues() gives neighbouring keys different payloads", () => {
  for (const { name } of FORMATS) {
    const values = createValues(plan({ format: name, compressibility: 0.2 }), 1);
    const seen = new Set(
      Array.from({ length: 1000 }, (_, key) => values.bytesOf(key).toString("latin1")),
    );
    expect(seen.size).toBeGreaterThan(700);
    expect(values.check(1, values.bytesOf(2))).toBe(false);
  }
});

test("createValues() keeps its pool small when values are large", () => {
  const values = createValues(plan({ format: "json", size: "40mb" }), 1);
  expect(values.sizeOf(1)).toBe(values.sizeMax);
  expect(values.check(5, values.bytesOf(6))).toBe(true);
});
