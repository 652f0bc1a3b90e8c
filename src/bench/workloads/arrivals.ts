/**
 * When an open loop intends to send: a schedule that does not wait for the server.
 *
 * A latency counts from the intended time, not from the send, or a server that stalls would stop
 * the clock as well (coordinated omission). The loop asks what is due, sends it, and hands the
 * intended times to the recorder:
 *
 *      for (let due = arrivals.dueCount(nowNs); due > 0; due--) send(arrivals.nextNs());
 *
 * `const` spaces requests evenly: request i at i / rate. `poisson` draws the gaps from an
 * exponential distribution, as many independent users would; the mean rate is the same.
 * Times are ns since the start of the schedule, as float64. The even ones are computed from i, with
 * two roundings whatever i is; the drawn gaps are added with a compensation (Neumaier 1974). So
 * hours of either are off by less than a ns.
 * Nothing is allocated after the start.
 */
import { assert } from "../../base/assert.ts";
import { Prng } from "../../base/prng.ts";

export type ArrivalKind = "const" | "poisson";

export interface Arrivals {
  /** The intended time of the next request. Leaves it in the schedule. */
  peekNs(): number;
  /** Takes the next request out of the schedule; returns its intended time. */
  nextNs(): number;
  /**
   * How many requests that were not taken yet have an intended time of at most `nowNs`, which must
   * not fall from call to call.
   */
  dueCount(nowNs: number): number;
}

const NS_PER_SECOND = 1e9;
const TWO_TO_32 = 2 ** 32;

/** `seed` does not matter to `const`. */
export function createArrivals(kind: ArrivalKind, ratePerSecond: number, seed: number): Arrivals {
  assert(
    ratePerSecond > 0 && Number.isFinite(ratePerSecond),
    `ratePerSecond (${ratePerSecond}) must be above 0`,
  );
  return kind === "const"
    ? new EvenArrivals(ratePerSecond)
    : new PoissonArrivals(ratePerSecond, seed);
}

class EvenArrivals implements Arrivals {
  readonly #rate: number;
  #taken = 0;

  constructor(ratePerSecond: number) {
    this.#rate = ratePerSecond;
  }

  peekNs(): number {
    return timeNs(this.#taken, this.#rate);
  }

  nextNs(): number {
    return timeNs(this.#taken++, this.#rate);
  }

  dueCount(nowNs: number): number {
    if (nowNs < 0) return 0;
    // The estimate can be one off where a time and `nowNs` round alike: timeNs decides.
    let due = Math.floor((nowNs * this.#rate) / NS_PER_SECOND) + 1;
    while (timeNs(due, this.#rate) <= nowNs) due++;
    while (due > 0 && timeNs(due - 1, this.#rate) > nowNs) due--;
    return Math.max(0, due - this.#taken);
  }
}

function timeNs(index: number, ratePerSecond: number): number {
  return (index * NS_PER_SECOND) / ratePerSecond;
}

/**
 * Two runs through the same schedule: one gives times out, the other counts ahead of it. Drawing
 * every gap twice (2 × 20 ns) needs no memory and sets no limit to how far behind a loop can be.
 */
class PoissonArrivals implements Arrivals {
  readonly #taking: ExponentialTimes;
  readonly #counting: ExponentialTimes;

  constructor(ratePerSecond: number, seed: number) {
    this.#taking = new ExponentialTimes(ratePerSecond, seed);
    this.#counting = new ExponentialTimes(ratePerSecond, seed);
  }

  peekNs(): number {
    return this.#taking.atNs;
  }

  nextNs(): number {
    const { atNs } = this.#taking;
    this.#taking.advance();
    return atNs;
  }

  dueCount(nowNs: number): number {
    while (this.#counting.atNs <= nowNs) this.#counting.advance();
    // A loop that takes what is not due yet is ahead of the count.
    return Math.max(0, this.#counting.passedCount - this.#taking.passedCount);
  }
}

/** Times whose gaps are exponential, from 0 on; the first gap comes before the first time. */
class ExponentialTimes {
  atNs = 0;
  passedCount = 0;
  readonly #random: Prng;
  readonly #gapNs: number;
  #sumNs = 0;
  #lostNs = 0;

  constructor(ratePerSecond: number, seed: number) {
    this.#random = new Prng(seed);
    this.#gapNs = NS_PER_SECOND / ratePerSecond;
    this.#draw();
  }

  advance(): void {
    this.passedCount++;
    this.#draw();
  }

  #draw(): void {
    // The middle of the step, so that no gap is infinite and the mean is right to 1e-10.
    const fraction = ((this.#random.int32() >>> 0) + 0.5) / TWO_TO_32;
    const gapNs = -Math.log(fraction) * this.#gapNs;
    const sumNs = this.#sumNs + gapNs;
    this.#lostNs +=
      this.#sumNs >= gapNs ? this.#sumNs - sumNs + gapNs : gapNs - sumNs + this.#sumNs;
    this.#sumNs = sumNs;
    this.atNs = sumNs + this.#lostNs;
  }
}
