/** The requests of `simple` byte for byte, and the verifier that must notice every wrong byte. */
import { expect, test } from "bun:test";
import { createKeyOrder } from "./key-order.ts";
import { SimpleRequests, SimpleVerifier, ValuePool } from "./simple.ts";

function requests(request: "set" | "get", values: ValuePool, batchSize = 4, seed = 1) {
  const order = createKeyOrder("sequential", 12_345, seed);
  return new SimpleRequests({ request, order, values, seed, batchSize });
}

function encoded(from: SimpleRequests, count: number): string {
  return from.bytes.toString("latin1", 0, from.encode(count, null));
}

test("SimpleRequests encodes SET with a key and a value per request", () => {
  const from = requests("set", new ValuePool(20, 1));
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
    const values = new ValuePool(1, 1);
    const from = new SimpleRequests({ request: "get", order, values, seed: 1, batchSize: 1 });
    expect(encoded(from, 1)).toContain(`simple:${String(key).padStart(10, "0")}:`);
  }
});

test("ValuePool gives no two keys the same value", () => {
  const values = new ValuePool(6, 1);
  const seen = new Set<string>();
  const value = Buffer.alloc(6);
  for (let key = 0; key < 100_000; key++) {
    values.write(key, value, 0);
    seen.add(value.toString("latin1"));
  }
  expect(seen.size).toBe(100_000);
});

test("SimpleRequests encodes GET of the same keys", () => {
  const values = new ValuePool(3, 1);
  const key = /simple:\d{10}:\w{10}/.exec(encoded(requests("set", values), 1))![0];
  expect(encoded(requests("get", values), 1)).toBe(`*2\r\n$3\r\nGET\r\n$28\r\n${key}\r\n`);
});

test("SimpleRequests repeats with its seed, and another seed has other keys and values", () => {
  const text = (seed: number) => encoded(requests("set", new ValuePool(50, seed), 3, seed), 3);
  expect(text(5)).toBe(text(5));
  expect(text(5)).not.toBe(text(6));
});

test("SimpleRequests holds at least one request, however large", () => {
  const from = requests("set", new ValuePool(1_000_000, 1), 50);
  expect(from.countMax).toBe(1);
  expect(from.encode(1, null)).toBe(from.bytes.length);
  expect(requests("get", new ValuePool(1, 1), 50).countMax).toBe(50);
});

for (const size of [1, 5, 6, 7, 200]) {
  test(`ValuePool.matches() accepts its own ${size} bytes, split anywhere, and no others`, () => {
    const values = new ValuePool(size, 9);
    const value = Buffer.alloc(size);
    values.write(77, value, 0);
    for (let cut = 0; cut <= size; cut++) {
      expect(values.matches(77, 0, value, 0, cut)).toBe(true);
      expect(values.matches(77, cut, value, cut, size)).toBe(true);
    }
    for (let at = 0; at < size; at++) {
      value[at]! ^= 1;
      expect(values.matches(77, 0, value, 0, size)).toBe(false);
      value[at]! ^= 1;
    }
    expect(values.matches(77, 1, value, 0, size)).toBe(false);
    if (size > 5) expect(values.matches(78, 0, value, 0, size)).toBe(false);
  });
}

test("SimpleVerifier counts each wrong reply once and goes on", () => {
  const values = new ValuePool(16, 2);
  const verifier = new SimpleVerifier(values, 2);
  const reply = Buffer.alloc(16);
  for (let key = 0; key < 10; key++) {
    verifier.sent(key);
    values.write(key === 3 ? 4 : key, reply, 0);
    verifier.piece(reply, 0, 8, 0);
    verifier.piece(reply, 8, 16, 8);
    verifier.replyDone();
  }
  expect(verifier.wrongCount).toBe(1);
});
