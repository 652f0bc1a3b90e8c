/**
 * Deterministic simulation of the store's concurrency: the real code, several logical threads in
 * one, and a scheduler that may switch before every operation on shared memory. A seed repeats a
 * run exactly. `bun src/store/simulation.fuzz.ts --seed=N --steps=N`: N runs from that seed on;
 * stops at the first that fails.
 *
 * test/simulation/ has the parts: transform.ts makes threads switchable, scheduler.ts switches
 * them, client.ts and model.ts say what they do and what is right. What it cannot show: effects of
 * weakly ordered memory and of the compiler, for which litmus.test.ts runs real Workers.
 */

import { Client, World } from "../../test/simulation/client.ts";
import {
  type Mutation,
  Program,
  SimulatedClock,
  SimulatedMemory,
} from "../../test/simulation/program.ts";
import { Scheduler, type Thread } from "../../test/simulation/scheduler.ts";
import { runSeeds, runSimulation } from "../../test/simulation/seeds.ts";
import { Prng } from "../base/prng.ts";

/** Most logical threads of a run. */
const THREADS_MAX = 4;
/** Most operations of a thread: a failing run must be short enough to follow. */
const OPERATIONS_MAX = 24;

export interface Totals {
  runs: number;
  operations: number;
  steps: number;
  switches: number;
}

/** Runs seeds against one version of the store's code. */
export class Simulation {
  readonly #program: Program;
  readonly #memory = new SimulatedMemory();
  readonly totals: Totals = { runs: 0, operations: 0, steps: 0, switches: 0 };

  private constructor(program: Program) {
    this.#program = program;
  }

  /**
   * `fine`: threads switch at plain loads and stores of shared memory too, else only at atomic
   * operations. `mutations` put a bug into the code that is simulated.
   */
  static async load(fine: boolean, mutations: readonly Mutation[] = []): Promise<Simulation> {
    return new Simulation(await Program.load(fine, mutations));
  }

  /** One run. Throws when anything that a thread saw, or what is left in the end, is not right. */
  run(seed: number): void {
    const prng = new Prng(seed);
    const scheduler = new Scheduler();
    const clock = new SimulatedClock();
    const world = new World(clock, scheduler, prng);
    this.#memory.reset(seed);
    const clients: Client[] = [];
    const threadsCount = prng.between(2, THREADS_MAX);
    for (let worker = 0; worker < threadsCount; worker++) {
      const store = this.#program.attach(scheduler, this.#memory.attach(worker), clock);
      clients.push(new Client(world, store, worker, new Prng(prng.int32())));
    }
    const first = clients[0] as Client;
    scheduler.runAll([first.fill() as Thread], seed);
    const threads = clients.map((it) => it.run(1 + prng.below(OPERATIONS_MAX)) as Thread);
    scheduler.runAll(threads, prng.int32());
    scheduler.runAll([first.check() as Thread], seed);
    this.totals.runs++;
    this.totals.operations += world.operations;
    this.totals.steps += scheduler.steps;
    this.totals.switches += scheduler.switches;
  }
}

/** Runs seeds from `seed` on, switching at atomic operations and at plain ones in turn. */
export function fuzzSimulation(seed: number, runs: number): Promise<Totals[]> {
  return runSeeds("simulation", (fine) => Simulation.load(fine), seed, runs);
}

if (import.meta.main) await runSimulation("simulation.fuzz", fuzzSimulation, 2000);
