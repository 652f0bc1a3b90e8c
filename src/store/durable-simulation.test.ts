/**
 * The simulation of durable-simulation.fuzz.ts with a few seeds, and with bugs put into the store
 * that it must catch within a bounded number of seeds.
 */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { CANARIES } from "../../test/simulation/durable-canaries.ts";
import { DurableSimulation, fuzzDurableSimulation } from "./durable-simulation.fuzz.ts";

/** Nothing here is timed; a busy machine must not fail it. */
setDefaultTimeout(120_000);

/** Seeds that a bug is given to show itself; most of them need fewer than 20. */
const SEEDS_MAX = 500;

describe("durable simulation", () => {
  for (const [name, { fine, mutations, from = 1 }] of Object.entries(CANARIES)) {
    test(`catches ${name}`, async () => {
      const simulation = await DurableSimulation.load(fine, mutations);
      expect(() => {
        for (let i = 0; i < SEEDS_MAX; i++) simulation.run(from + i);
      }).toThrow();
    });
  }

  test("a seed repeats its history exactly", async () => {
    const [first, second] = [
      await DurableSimulation.load(true),
      await DurableSimulation.load(true),
    ];
    for (const seed of [100, 101, 102]) first.run(seed);
    for (const seed of [102, 100, 101]) second.run(seed);
    expect(second.totals).toEqual(first.totals);
  });

  test("what comes back after a crash is what must come back", async () => {
    for (const totals of await fuzzDurableSimulation(1, 12)) {
      expect(totals.histories).toBe(12);
      for (const count of [totals.kills, totals.powerLosses, totals.interrupted, totals.recycled]) {
        expect(count).toBeGreaterThan(0);
      }
    }
  });
});
