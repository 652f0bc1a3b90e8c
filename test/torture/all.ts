/**
 * `make torture`: all tortures of durability at full size, one after the other. Each prints its
 * seed and what it counted; the first failure ends it.
 *
 *     A1  kill -9 under load, 500 cycles in each mode     A2  death at each fail point
 *     A3  killed again while recovering                   B1  power loss, pages mixed
 *     C1  flipped bits                                    S1  crashes of the simulated store
 */
import { freshSeed } from "../../src/base/prng.ts";
import { fuzzDurableSimulation } from "../../src/store/durable-simulation.fuzz.ts";
import { fuzzRecovery } from "../../src/store/recovery.fuzz.ts";
import { flipBits } from "./flip.ts";
import { tortureByKill } from "./kill.ts";

const POINTS = [
  "segment-create",
  "segment-filled",
  "checkpoint-begin",
  "checkpoint-written",
  "manifest-written",
  "manifest-renamed",
  "checkpoint-published",
  "recycle",
  "flush-begin",
  "mark-written",
  "run-begun",
];

const seed = Number(process.argv.find((it) => it.startsWith("--seed="))?.slice(7) ?? freshSeed());
console.log(`torture: --seed=${seed}`);
for (const mode of ["everysec", "always"] as const) {
  const options = { cycles: 500, mode, threads: 2, seed, loadMs: 2000, points: [] };
  console.log(`A1, A3 ${mode}`, await tortureByKill(options));
}
const points = { cycles: 275, mode: "everysec", threads: 2, seed, loadMs: 500 } as const;
console.log("A2", await tortureByKill({ ...points, points: POINTS }));
console.log("B1", fuzzRecovery(seed, 250, 1000));
console.log("C1", flipBits(seed, 10_000));
console.log("S1", await fuzzDurableSimulation(seed, 2000));
