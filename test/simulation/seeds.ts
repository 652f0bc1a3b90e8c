/**
 * Runs of a simulation, one seed after the other: once switching at atomic operations only, once at
 * plain accesses too.
 */
import { freshSeed } from "../../src/base/prng.ts";
import { numberOption } from "../torture/options.ts";

interface Simulated<T> {
  readonly totals: T;
  /** Throws when something is not right. */
  run(seed: number): void;
}

/** Runs seeds from `seed` on; an error says with which one, and how, it is seen again. */
export async function runSeeds<T>(
  name: string,
  load: (fine: boolean) => Promise<Simulated<T>>,
  seed: number,
  runs: number,
): Promise<T[]> {
  const simulations = [await load(false), await load(true)];
  for (let i = 0; i < runs; i++) {
    const current = (seed + i) >>> 0;
    for (const [kind, simulation] of simulations.entries()) {
      try {
        simulation.run(current);
      } catch (error) {
        const how = kind === 0 ? "switching at atomic operations" : "switching at every access";
        throw new Error(`${name}: seed ${current}, ${how}`, { cause: error });
      }
    }
  }
  return simulations.map((it) => it.totals);
}

/** The command line of a simulation: --seed, --steps; prints what was counted. */
export async function runSimulation<T>(
  name: string,
  fuzz: (seed: number, runs: number) => Promise<T[]>,
  runsDefault: number,
): Promise<void> {
  const seed = numberOption("seed", freshSeed());
  const runs = numberOption("steps", runsDefault);
  console.log(`${name}: --seed=${seed} --steps=${runs}`);
  const startMs = performance.now();
  for (const totals of await fuzz(seed, runs)) console.log(totals);
  console.log(`${((performance.now() - startMs) / 1000).toFixed(1)} s`);
}
