/**
 * The simulation's scheduler: decides after which operation the next logical thread goes on, by a
 * seeded generator, so that a run is repeated exactly by its seed.
 *
 * A logical thread is a generator. Code made by transform.ts asks `point()` before every operation
 * on shared memory; when its turn is used up, it yields and another thread is picked. Turns are
 * short or long by chance: a race may need a switch at one very place, or one thread to do much
 * while another one stands still.
 *
 * A waiting thread only gives way: every wait in the store has a timeout, so it may wake at any
 * time. Threads that all wait for each other are noticed because nothing is completed any more.
 */
import { AssertionError, assert } from "../../src/base/assert.ts";
import { Prng } from "../../src/base/prng.ts";

/** A logical thread; what it yields means nothing. */
export type Thread = Generator<unknown, void, unknown>;

/** Turns without any completed operation after which the threads are taken to be stuck. */
const STUCK_TURNS = 200_000;
/** Operations on shared memory in one run: more means that somebody goes round in a circle. */
const STEPS_MAX = 5_000_000;
/** Longest piece that a native copy moves between two switch points. */
const PIECES = 3;

export class Scheduler {
  #prng = new Prng(0);
  #turn = 0;
  #scale = 0;
  /** Operations on shared memory so far: the time of the simulation. */
  steps = 0;
  /** Turns since the last completed operation of any thread. */
  #idleTurns = 0;
  switches = 0;
  /** The world ends at this step, whatever the threads are doing. */
  endsAt = Number.POSITIVE_INFINITY;
  /** Called after every turn. */
  onSwitch: () => void = () => {};

  /**
   * Runs the threads to their ends, in an order that only `seed` decides; `daemons`, whose ends
   * nobody waits for, run beside them.
   */
  runAll(threads: readonly Thread[], seed: number, daemons: readonly Thread[] = []): void {
    this.#prng = new Prng(seed);
    this.#scale = this.#prng.below(3);
    this.#idleTurns = 0;
    const alive = [...threads, ...daemons];
    while (alive.length > daemons.length && this.steps < this.endsAt) {
      const index = this.#prng.below(alive.length);
      this.#turn = this.#drawTurn();
      this.switches++;
      if ((alive[index] as Thread).next().done === true) alive.splice(index, 1);
      this.onSwitch();
      if (++this.#idleTurns > STUCK_TURNS) throw new AssertionError("the threads are stuck");
    }
  }

  /**
   * Operations until the next switch: mostly few, sometimes many; some seeds switch more often than
   * others.
   */
  #drawTurn(): number {
    const choice = this.#prng.below(8);
    if (choice < 4 - this.#scale) return this.#prng.below(4);
    return choice < 7 ? this.#prng.below(40) : this.#prng.below(1500);
  }

  /** A thread has completed an operation. */
  progress(): void {
    this.#idleTurns = 0;
  }

  /** Whether the running thread must yield before its next operation. */
  point(): boolean {
    if (++this.steps > STEPS_MAX) throw new AssertionError("a thread does not come to an end");
    if (this.steps >= this.endsAt) return true;
    return --this.#turn < 0;
  }

  /** Atomics.wait: returns at once if the value has changed, else after others had a turn. */
  *wait(view: Int32Array, index: number, value: number): Generator<unknown, string> {
    this.steps++;
    if (Atomics.load(view, index) !== value) return "not-equal";
    yield 0;
    return "timed-out";
  }

  /** `new`, for a class whose constructor has become a generator. */
  *construct<T>(
    made: new (...given: readonly unknown[]) => T,
    given: readonly unknown[],
  ): Generator<unknown, T> {
    const build = (made.prototype as { $construct?: (...given: unknown[]) => Generator })
      .$construct;
    if (build === undefined) return new made(...given);
    const object = new made();
    yield* build.apply(object, [...given]);
    return object;
  }

  /** The result of a call that may or may not have made a generator. */
  *run(result: unknown): Generator<unknown, unknown> {
    return isGenerator(result) ? yield* result : result;
  }

  *forEach<T>(
    items: readonly T[],
    callback: (item: T, index: number) => Generator<unknown, void>,
  ): Generator<unknown, void> {
    for (let i = 0; i < items.length; i++) yield* callback(items[i] as T, i);
  }

  /** Buffer.copy, in pieces. */
  *copy(
    source: Buffer,
    target: Buffer,
    at: number,
    start = 0,
    end = source.length,
  ): Generator<unknown, void> {
    const piece = Math.max(1, Math.ceil((end - start) / PIECES));
    for (let from = start; from < end; from += piece) {
      if (this.point()) yield 0;
      source.copy(target, at + from - start, from, Math.min(end, from + piece));
    }
  }

  /** ByteBuffer.append, in pieces. */
  *append(
    out: { append(source: Buffer, start: number, length: number): void },
    source: Buffer,
    start: number,
    length: number,
  ): Generator<unknown, void> {
    const piece = Math.max(1, Math.ceil(length / PIECES));
    for (let from = 0; from < length; from += piece) {
      if (this.point()) yield 0;
      out.append(source, start + from, Math.min(piece, length - from));
    }
  }

  /** fill, in pieces. */
  *fill(
    target: { fill(value: number, start: number, end: number): unknown },
    value: number,
    start: number,
    end: number,
  ): Generator<unknown, void> {
    const middle = start + ((end - start) >>> 1);
    if (this.point()) yield 0;
    target.fill(value, start, middle);
    if (this.point()) yield 0;
    target.fill(value, middle, end);
  }
}

function isGenerator(value: unknown): value is Generator<unknown, unknown> {
  if (value === null || typeof value !== "object" || !(Symbol.iterator in value)) return false;
  assert(!Array.isArray(value), "an array is no generator");
  return typeof (value as Generator).next === "function";
}
