/** The requests of `simple` byte for byte. */
import { expect, test } from "bun:test";
import { createKeyOrder } from "./key-order.ts";
import { SimpleRequests } from "./simple.ts";
import { createValues, type ValueSource } from "./values.ts";

function valuesOf(size: number, seed: number): ValueSource {
  const format = "string";
  return createValues({ size: `${size}`, format, zstdLevel: null, compressibility: 0 }, seed);
}

function requests(request: "set" | "get", values: ValueSource, batchSize = 4, seed = 1) {
  const order = createKeyOrder("sequential", 12_345, seed);
  return new SimpleRequests({ request, order, values, seed, batchSize });
}

function encoded(from: SimpleRequests, count: number): string {
  return from.bytes.toString("latin1", 0, from.encode(count, null));
}

test("SimpleRequests encodes SET with a key and a value per request", () => {
  const from = requests("set", valuesOf(20, 1));
  encoded(from, 2);
  const text = encoded(from, 2);
  const key = String.raw`\$28\r\nsimple:(\d{10}):(\w{10})\r\n`;
  const one = String.raw`\*3\r\n\$3\r\nSET\r\n${key}\$20\r\n(\S{6}\w{14})\r\n`;
  const match = new RegExp(`^${one}${one}$`).exec(text);
  expect(match).not.toBeNull();
  expect([match![1], match![4]]).toEqual(["0000000002", "0000000003"]);
  expect(match![2]).toBe(match![5]!);
  expect(match![3]!.slice(0, 6)).not.toBe(match![6]!.slice(0, 6));
  expect(match![3]!.slice(6)).not.toBe(match![6]!.slice(6));
});

test("SimpleRequests numbers keys in decimal up to the largest", () => {
  for (const key of [0, 9, 10, 99, 12_345, 2_147_483_647]) {
    const order = { next: () => key };
    const values = valuesOf(1, 1);
    const from = new SimpleRequests({ request: "get", order, values, seed: 1, batchSize: 1 });
    expect(encoded(from, 1)).toContain(`simple:${String(key).padStart(10, "0")}:`);
  }
});

test("SimpleRequests encodes GET of the same keys", () => {
  const values = valuesOf(3, 1);
  const key = /simple:\d{10}:\w{10}/.exec(encoded(requests("set", values), 1))![0];
  expect(encoded(requests("get", values), 1)).toBe(`*2\r\n$3\r\nGET\r\n$28\r\n${key}\r\n`);
});

test("SimpleRequests repeats with its seed, and another seed has other keys and values", () => {
  const text = (seed: number) => encoded(requests("set", valuesOf(50, seed), 3, seed), 3);
  expect(text(5)).toBe(text(5));
  expect(text(5)).not.toBe(text(6));
});

test("SimpleRequests holds at least one request, however large", () => {
  const from = requests("set", valuesOf(1_000_000, 1), 50);
  expect(from.countMax).toBe(1);
  expect(from.encode(1, null)).toBe(from.bytes.length);
  expect(requests("get", valuesOf(1, 1), 50).countMax).toBe(50);
});
