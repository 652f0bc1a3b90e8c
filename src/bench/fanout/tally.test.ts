/** The tally of deliveries, by example and against a model that remembers everything. */
import { expect, test } from "bun:test";
import { Prng } from "../../base/prng.ts";
import { DeliveryTally } from "./tally.ts";

/** One publisher and one subscriber get `sequences`; what the tally says in the end. */
function tallyOf(...sequences: number[]) {
  const tally = new DeliveryTally(1, 1);
  for (const sequence of sequences) tally.count(0, 0, sequence);
  tally.invariants();
  const { delivered, gaps, outOfOrder, duplicates } = tally;
  return { delivered, gaps, outOfOrder, duplicates };
}

test("DeliveryTally counts what comes in order", () => {
  expect(tallyOf(0, 1, 2)).toEqual({ delivered: 3, gaps: 0, outOfOrder: 0, duplicates: 0 });
});

test("DeliveryTally counts what never comes as a gap", () => {
  expect(tallyOf(2, 3, 7)).toEqual({ delivered: 3, gaps: 5, outOfOrder: 0, duplicates: 0 });
});

test("DeliveryTally counts what comes late as out of order, and not as a gap", () => {
  expect(tallyOf(0, 4, 2, 1)).toEqual({ delivered: 4, gaps: 1, outOfOrder: 2, duplicates: 0 });
});

test("DeliveryTally counts a message once, however often it comes", () => {
  expect(tallyOf(0, 0, 3, 1, 1, 3)).toEqual({
    delivered: 3,
    gaps: 1,
    outOfOrder: 1,
    duplicates: 3,
  });
});

test("DeliveryTally keeps every pair apart, and forgets all of them on reset", () => {
  const tally = new DeliveryTally(2, 3);
  expect(tally.count(1, 2, 0)).toBe(true);
  expect(tally.count(0, 2, 0)).toBe(true);
  expect(tally.count(1, 0, 0)).toBe(true);
  expect(tally.count(1, 0, 0)).toBe(false);
  expect([...tally.deliveredTo]).toEqual([1, 2]);
  tally.reset();
  tally.invariants();
  expect(tally.count(1, 0, 0)).toBe(true);
  expect(tally.delivered).toBe(1);
});

test("DeliveryTally agrees with a model that remembers everything", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = new Prng(seed);
    const tally = new DeliveryTally(2, 2);
    const seen = Array.from({ length: 4 }, () => new Set<number>());
    let [late, double] = [0, 0];
    for (let i = 0; i < 300; i++) {
      const [subscriber, publisher, sequence] = [
        random.below(2),
        random.below(2),
        random.below(60),
      ];
      const known = seen[subscriber * 2 + publisher]!;
      if (known.has(sequence)) double++;
      else if (sequence < Math.max(-1, ...known)) late++;
      expect(tally.count(subscriber, publisher, sequence)).toBe(!known.has(sequence));
      known.add(sequence);
    }
    tally.invariants();
    const missing = seen.map((set) => Math.max(-1, ...set) + 1 - set.size);
    const { delivered, gaps, outOfOrder, duplicates } = tally;
    expect({ seed, delivered, gaps, outOfOrder, duplicates }).toEqual({
      seed,
      delivered: seen.reduce((sum, set) => sum + set.size, 0),
      gaps: missing.reduce((sum, count) => sum + count, 0),
      outOfOrder: late,
      duplicates: double,
    });
  }
});
