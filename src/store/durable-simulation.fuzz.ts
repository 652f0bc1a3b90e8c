/**
 * Deterministic simulation of the durable store: the real log, flusher, keeper and recovery on a
 * fake disk, as logical threads of one real one. Clients change keys, a flusher flushes, a keeper
 * writes checkpoints and recycles; at some step the world ends, by kill -9 or by a loss of power,
 * the store is recovered from what the disk has left (a recovery may be ended, too), compared with
 * the model, and goes on. `bun src/store/durable-simulation.fuzz.ts --seed=N --steps=N`: N
 * histories from that seed on; stops at the first that fails, which its seed repeats exactly.
 *
 * test/simulation/ has the parts: fake-disk.ts forgets, durable-model.ts says what is right. What
 * it cannot show: effects of weakly ordered memory, a disk that lies about flushing, what a real
 * file system does.
 */
import {
  DurableClient,
  type DurableWorld,
  HABITS,
  type Habit,
} from "../../test/simulation/durable-client.ts";
import { DurableModel } from "../../test/simulation/durable-model.ts";
import {
  DurableProgram,
  type Environment,
  RESERVE_SIZE,
  type RecoveryModules,
} from "../../test/simulation/durable-program.ts";
import { readStates } from "../../test/simulation/durable-states.ts";
import { type Change, FakeDisk } from "../../test/simulation/fake-disk.ts";
import { type Mutation, SimulatedClock } from "../../test/simulation/program.ts";
import { Scheduler, type Thread } from "../../test/simulation/scheduler.ts";
import { runSeeds, runSimulation } from "../../test/simulation/seeds.ts";
import { assert } from "../base/assert.ts";
import { Prng } from "../base/prng.ts";
import {
  LOG_CHECKPOINT_ASKED,
  LOG_CHECKPOINT_FAILED,
  LOG_CHECKPOINTS_COUNT,
  LOG_RUN,
  LOG_SEGMENTS_RECYCLED,
  TIME_DURABLE,
} from "./log-layout.ts";
import type { Recovered } from "./recovery.ts";

const DIR = "/data";
const CLIENTS_MAX = 3;
/** Crashes of one history. */
const ROUNDS_MAX = 4;
/** Batches of a client between two crashes. */
const BATCHES_MAX = 150;
/** Of so many turns, the kernel writes something back in one. */
const WRITE_BACK_ONE_IN = 40;
/** Where the disk is full for checkpoints: of so many writes, one is refused. */
const FULL_ONE_IN = 8;
/** Turns that the flusher and the keeper do nothing for, at the most. */
const IDLE_TURNS_MAX = 60;
/** Changing operations on files before the end of a run. */
const OPERATIONS_MAX = 150;
/** After which operation a run ends; what replaces is the manifest. */
const ENDING: readonly (Change | "any")[] = [
  ...(["any", "any", "make", "flush", "rename", "remove"] as const),
  ...(["replace", "replace", "replace"] as const),
];
/** Steps of a run that ends at an operation on files, if there are so few. */
const STEPS_MAX = 60_000;
const OPERATIONS_MAX_OF_A_KIND = 4;
/** Changing operations on files that a recovery which is ended does before. */
const RECOVERY_OPERATIONS_MAX = 40;
/** A look at the clock takes a microsecond: a bucket or two, or a whole shard. */
const KEEPER_BUDGETS_MS = [0.002, 0.1];

export interface DurableTotals {
  histories: number;
  operations: number;
  steps: number;
  switches: number;
  kills: number;
  powerLosses: number;
  /** Recoveries that were ended themselves. */
  interrupted: number;
  checkpoints: number;
  /** A full disk has refused them. */
  failedCheckpoints: number;
  recycled: number;
  /** Records behind the end of the log after a loss of power. */
  cut: number;
}

/** What the run that has ended had promised. */
interface Ended {
  readonly run: number;
  readonly durable: number;
}

/** One history: a disk, its model, and one run after the other. */
class History {
  readonly #program: DurableProgram;
  readonly #totals: DurableTotals;
  readonly #prng: Prng;
  readonly #environment: Environment;
  readonly #modules: RecoveryModules;
  readonly #model = new DurableModel();
  readonly #habit: Habit;
  #serial = 0;
  #boot = 0;

  constructor(program: DurableProgram, totals: DurableTotals, seed: number) {
    const prng = new Prng(seed);
    this.#program = program;
    this.#totals = totals;
    this.#prng = prng;
    const disk = new FakeDisk(DIR, new Prng(prng.int32()));
    this.#environment = { disk, clock: new SimulatedClock(), prng: new Prng(prng.int32()) };
    this.#modules = program.recovery(this.#environment);
    this.#habit = prng.pick(HABITS);
  }

  run(): void {
    let ended: Ended = { run: 0, durable: 0 };
    let hasLostPower = false;
    for (let left = 1 + this.#prng.below(ROUNDS_MAX); ; left--) {
      const clientsCount = 1 + this.#prng.below(CLIENTS_MAX);
      const recovered = this.#recover(clientsCount + 1, ended, hasLostPower);
      if (left === 0) return;
      ended = this.#live(recovered, clientsCount);
      hasLostPower = this.#crash();
    }
  }

  /** Ends the process; true: by a loss of power. */
  #crash(): boolean {
    const { disk } = this.#environment;
    const losesPower = this.#prng.below(10) < 7;
    if (losesPower) {
      disk.losePower();
      this.#boot++;
      this.#totals.powerLosses++;
    } else {
      disk.kill();
      this.#totals.kills++;
    }
    return losesPower;
  }

  // ---- Recovery ----

  /** Recovers, and begins again as often as the recovery itself is ended. */
  #recover(workers: number, ended: Ended, hadLostPower: boolean): Recovered {
    let hasLostPower = hadLostPower;
    for (;;) {
      const recovered = this.#tryToRecover(workers);
      if (recovered !== null) {
        this.#settle(recovered, ended, hasLostPower);
        this.#environment.clock.nowMs += this.#prng.below(10);
        return recovered;
      }
      this.#totals.interrupted++;
      if (this.#crash()) hasLostPower = true;
    }
  }

  /** null: the process was ended meanwhile. */
  #tryToRecover(workers: number): Recovered | null {
    const { disk } = this.#environment;
    if (this.#prng.chance(3)) disk.operationsLeft = this.#prng.below(RECOVERY_OPERATIONS_MAX);
    try {
      const recovered = this.#modules.recover({
        dir: DIR,
        mode: this.#prng.chance(2) ? "always" : "everysec",
        reserveBytes: RESERVE_SIZE,
        workers,
        boot: `boot ${this.#boot}`,
      });
      if (disk.hasEnded) return null;
      disk.operationsLeft = Number.POSITIVE_INFINITY;
      this.#totals.cut += recovered.report.cutCount;
      return recovered;
    } catch (error) {
      if (!disk.hasEnded) throw error;
      return null;
    }
  }

  #settle(recovered: Recovered, ended: Ended, hasLostPower: boolean): void {
    const { report, handle } = recovered;
    assert(report.misfitsCount === 0, "every record fits the key that it is about");
    let last = Number.POSITIVE_INFINITY;
    if (hasLostPower && ended.run > 0) {
      // A run that is no longer named ends below the mark of the checkpoints.
      last = this.#modules.lastOf(ended.run) || this.#modules.logMark();
      assert(
        last >= ended.durable,
        `the log ends at ${last}, up to ${ended.durable} it was said to be durable`,
      );
    }
    const store = this.#modules.attachStore(handle, 0);
    this.#modules.checkInvariants(store.memory);
    this.#model.settle(readStates(store), last, this.#environment.clock.nowMs);
  }

  // ---- A run ----

  /** Runs clients, flusher and keeper until the world ends; says what was promised then. */
  #live(recovered: Recovered, clientsCount: number): Ended {
    const scheduler = new Scheduler();
    const environment = this.#environment;
    const { disk, clock } = environment;
    const prng = this.#prng;
    const world: DurableWorld = {
      model: this.#model,
      clock,
      scheduler,
      habit: this.#habit,
      operations: 0,
      serial: this.#serial,
    };
    const clients: Thread[] = [];
    for (let worker = 0; worker < clientsCount; worker++) {
      clients.push(this.#client(recovered, world, worker, new Prng(prng.int32())));
    }
    const daemons = [
      this.#flusher(recovered, scheduler, new Prng(prng.int32())),
      this.#keeper(recovered, scheduler, clientsCount, new Prng(prng.int32())),
    ];
    this.#plan(scheduler);
    if (prng.chance(6)) {
      disk.isFull = (name) => name.startsWith("shard-") && prng.chance(FULL_ONE_IN);
    }
    scheduler.onSwitch = () => {
      if (prng.chance(WRITE_BACK_ONE_IN)) disk.writeBack();
    };
    scheduler.runAll(clients, prng.int32(), daemons);
    this.#serial = world.serial;
    const control = new Int32Array(recovered.log.control);
    const times = new Float64Array(recovered.log.times);
    this.#count(scheduler, world, control);
    return { run: control[LOG_RUN] as number, durable: times[TIME_DURABLE] as number };
  }

  /** When the world ends: at some step, or soon after some operation on files. */
  #plan(scheduler: Scheduler): void {
    const prng = this.#prng;
    scheduler.endsAt = 1 + prng.below(prng.pick([300, 3000, 12_000, 40_000]));
    if (prng.chance(2)) return;
    const kind = prng.pick(ENDING);
    let operationsLeft = prng.below(kind === "any" ? OPERATIONS_MAX : OPERATIONS_MAX_OF_A_KIND);
    this.#environment.disk.onOperation = (it) => {
      if (kind !== "any" && kind !== it) return;
      if (operationsLeft-- === 0)
        scheduler.endsAt = scheduler.steps + 1 + (kind === "any" ? prng.below(10) : 0);
    };
    scheduler.endsAt = STEPS_MAX;
  }

  #count(scheduler: Scheduler, world: DurableWorld, control: Int32Array): void {
    const totals = this.#totals;
    totals.failedCheckpoints += control[LOG_CHECKPOINT_FAILED] as number;
    totals.operations += world.operations;
    totals.steps += scheduler.steps;
    totals.switches += scheduler.switches;
    totals.checkpoints += control[LOG_CHECKPOINTS_COUNT] as number;
    totals.recycled += control[LOG_SEGMENTS_RECYCLED] as number;
  }

  *#client({ handle, log }: Recovered, world: DurableWorld, worker: number, prng: Prng): Thread {
    const thread = this.#program.thread(this.#environment, world.scheduler);
    const store = yield* thread.store(handle, log, worker);
    yield* new DurableClient(world, store, prng).run(1 + prng.below(BATCHES_MAX));
  }

  /** Flushes for ever, with pauses. */
  *#flusher({ handle, log }: Recovered, scheduler: Scheduler, prng: Prng): Thread {
    const thread = this.#program.thread(this.#environment, scheduler);
    const flusher = yield* thread.flusher(handle, log);
    const idleTurnsMax = 1 + prng.below(prng.pick([1, IDLE_TURNS_MAX]));
    for (;;) {
      yield* scheduler.run(flusher.flush());
      for (let left = prng.below(idleTurnsMax); left > 0; left--) yield 0;
    }
  }

  /** Keeps for ever, with pauses; now and then a checkpoint is asked for. */
  *#keeper({ handle, log }: Recovered, scheduler: Scheduler, worker: number, prng: Prng): Thread {
    const thread = this.#program.thread(this.#environment, scheduler);
    const memory = yield* thread.memory(handle, worker);
    const state = yield* thread.state(log);
    const keeper = yield* thread.keeper(memory, state);
    const askedOneIn = prng.pick([1, 2, 8, 100]);
    const idleTurnsMax = 1 + prng.below(prng.pick([1, IDLE_TURNS_MAX]));
    const budgetMs = prng.pick(KEEPER_BUDGETS_MS);
    for (;;) {
      if (prng.chance(askedOneIn)) Atomics.add(state.control, LOG_CHECKPOINT_ASKED, 1);
      const hasMore = yield* scheduler.run(keeper.run(budgetMs));
      const turns = hasMore === true ? prng.below(3) : prng.below(idleTurnsMax);
      for (let left = turns; left > 0; left--) yield 0;
    }
  }
}

/** Runs histories against one version of the store's code. */
export class DurableSimulation {
  readonly #program: DurableProgram;
  readonly totals: DurableTotals = {
    histories: 0,
    operations: 0,
    steps: 0,
    switches: 0,
    kills: 0,
    powerLosses: 0,
    interrupted: 0,
    checkpoints: 0,
    failedCheckpoints: 0,
    recycled: 0,
    cut: 0,
  };

  private constructor(program: DurableProgram) {
    this.#program = program;
  }

  /**
   * `fine`: threads switch at plain accesses of the log's code too, so that a crash can leave half
   * a record. `mutations` put a bug into the code that is simulated.
   */
  static async load(
    fine: boolean,
    mutations: readonly Mutation[] = [],
  ): Promise<DurableSimulation> {
    return new DurableSimulation(await DurableProgram.load(fine, mutations));
  }

  /** One history. Throws when what is recovered is not what must be. */
  run(seed: number): void {
    new History(this.#program, this.totals, seed).run();
    this.totals.histories++;
  }
}

/** Runs histories from `seed` on, switching at atomic operations and at plain ones in turn. */
export function fuzzDurableSimulation(seed: number, runs: number): Promise<DurableTotals[]> {
  return runSeeds("durable simulation", (fine) => DurableSimulation.load(fine), seed, runs);
}

if (import.meta.main) await runSimulation("durable-simulation.fuzz", fuzzDurableSimulation, 500);
