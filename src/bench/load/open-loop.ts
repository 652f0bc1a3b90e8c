/**
 * The open loop: operations are due by a schedule, whatever the server does.
 *
 *      schedule ──due──> queue ──a connection is idle──> write ··· reply
 *         intended time             send lag                service
 *         └──────────────────────── response ────────────────────┘
 *
 * Each connection carries one operation at a time, as one of a pool would in an application. What
 * is due while all are taken waits here, and its latency counts from when it was due: a server
 * that stalls delays everything that was due meanwhile, and all of it is recorded. The operations
 * that the server has in its hands are as many as there are connections; those alone show in the
 * service time.
 * More than `inflightMax` operations waiting or under way are not kept: what becomes due then is
 * dropped and counted.
 *
 * Pacing: each turn sends everything that is due. Timers wake to the millisecond only, so that the
 * last SPIN_NS before an operation is due are spent asking the event loop again and again (1 µs a
 * turn, replies are read meanwhile); what that costs is not counted as the client's processor time.
 * Limits: LATE_NS, beyond which a send counts as late.
 */
import { nanoseconds } from "../../base/clock.ts";
import type { Amount, Schedule } from "../plan.ts";
import { type Arrivals, createArrivals } from "../workloads/arrivals.ts";
import type { OpenLoad } from "./load.ts";
import { type PacedConnection, Pacer } from "./pacer.ts";

/** A send that is later than this was delayed by more than a turn of the event loop. */
const LATE_NS = 1_000_000;
/** A timer of 1 ms fires after 1.07 ms, and later on a busy machine. */
const SPIN_NS = 2_000_000;
/** An empty turn takes about 1 µs; one that took longer was interrupted, and used no more. */
const IDLE_TURN_NS_MAX = 5_000;
const NS_PER_MS = 1e6;
/** Fewer samples of the backlog (four a second) say nothing about its course. */
const BACKLOG_SAMPLES_MIN = 8;
/** A backlog of less than so much time's operations is a hiccup. */
const BACKLOG_SECONDS_MIN = 0.01;
/** What the backlog of the last quarter must be of that of the first half to be called growing. */
const BACKLOG_GROWTH = 2;

export interface OpenLoopOptions {
  connections: readonly PacedConnection[];
  schedule: Schedule;
  amount: Amount;
  seed: number;
  /** How much later than its schedule this process starts, so that several do not send at once. */
  offsetNs: number;
}

export class OpenLoop extends Pacer {
  readonly #schedule: Schedule;
  readonly #arrivals: Arrivals;
  readonly #offsetNs: number;
  /** How many operations the schedule has, or when its last one is due. */
  readonly #operationsMax: number;
  readonly #dueNsMax: number;
  readonly #scheduleNs: number;
  /** Connections without an operation, the one that is idle for the longest first. */
  readonly #idle: Queue<PacedConnection>;
  /** When the operations that wait for a connection were due. */
  readonly #waiting: Float64Array;
  #waitingHead = 0;
  #waitingCount = 0;
  #scheduled = 0;
  #late = 0;
  #dropped = 0;
  #startNs = 0;
  #timer: Timer | null = null;
  #isOver = false;
  readonly #backlogs: number[] = [];
  #idleNs = 0;
  /** When the turn before ended, if it asked for the next one at once; else 0. */
  #spunNs = 0;
  /** Sends and replies so far, when the turn before ended. */
  #eventsBefore = 0;
  readonly #turn = () => this.#onTurn();

  constructor({ connections, schedule, amount, seed, offsetNs }: OpenLoopOptions) {
    super();
    this.#schedule = schedule;
    this.#offsetNs = offsetNs;
    this.#arrivals = createArrivals(schedule.arrival, schedule.ratePerSecond, seed);
    const isCounted = "operations" in amount;
    this.#operationsMax = isCounted ? amount.operations : Number.POSITIVE_INFINITY;
    this.#scheduleNs = isCounted
      ? (amount.operations / schedule.ratePerSecond) * 1e9
      : amount.durationMs * NS_PER_MS;
    this.#dueNsMax = isCounted ? Number.POSITIVE_INFINITY : this.#scheduleNs;
    this.#idle = new Queue(connections);
    this.#waiting = new Float64Array(schedule.inflightMax);
  }

  start(startNs: number): void {
    this.#startNs = startNs + this.#offsetNs;
    this.#onTurn();
  }

  onReplies(connection: PacedConnection, count: number): void {
    this.done += count;
    this.#idle.push(connection);
    if (this.#waitingCount > 0) this.#sendWaiting(nanoseconds());
    if (this.#isScheduleOver()) this.#finishIfOver();
  }

  override onSlice(): void {
    if (!this.#isScheduleOver()) this.#backlogs.push(this.#waitingCount + this.sent - this.done);
  }

  override stop(): void {
    this.#isOver = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  override elapsedNs(startNs: number): number {
    return Math.max(this.endNs - startNs, this.#scheduleNs);
  }

  override get idleNs(): number {
    return this.#idleNs;
  }

  override get open(): OpenLoad {
    return {
      late: this.#late,
      dropped: this.#dropped,
      isBacklogGrowing: isGrowing(this.#backlogs, this.#schedule.ratePerSecond),
    };
  }

  #onTurn(): void {
    if (this.#isOver) return;
    const nowNs = nanoseconds();
    this.#countIdle(nowNs);
    this.#takeDue(nowNs - this.#startNs);
    if (this.#waitingCount > 0) this.#sendWaiting(nowNs);
    this.#finishIfOver();
    if (!this.#isOver) this.#arm(nowNs);
  }

  /** A turn at once, or a timer when there is time for one. */
  #arm(nowNs: number): void {
    const isDone = this.#isScheduleOver();
    const nextNs = isDone ? this.#scheduleNs : this.#arrivals.peekNs();
    const waitNs = this.#startNs + nextNs - nowNs;
    this.#eventsBefore = this.sent + this.done;
    this.#spunNs = 0;
    // Behind the schedule there is nothing to be punctual for: replies end the phase.
    if (isDone && waitNs <= 0) return;
    if (waitNs > SPIN_NS) {
      this.#timer = setTimeout(this.#turn, Math.floor((waitNs - SPIN_NS) / NS_PER_MS) + 1);
    } else {
      this.#spunNs = nowNs;
      setImmediate(this.#turn);
    }
  }

  #countIdle(nowNs: number): void {
    if (this.#spunNs > 0 && this.sent + this.done === this.#eventsBefore) {
      this.#idleNs += Math.min(nowNs - this.#spunNs, IDLE_TURN_NS_MAX);
    }
  }

  /** Puts what is due into the queue. */
  #takeDue(nowNs: number): void {
    const { inflightMax } = this.#schedule;
    for (let due = this.#arrivals.dueCount(nowNs); due > 0 && !this.#isScheduleOver(); due--) {
      const dueNs = this.#startNs + this.#arrivals.nextNs();
      this.#scheduled++;
      if (this.#waitingCount + this.sent - this.done >= inflightMax) {
        this.#dropped++;
        continue;
      }
      this.#waiting[(this.#waitingHead + this.#waitingCount++) % inflightMax] = dueNs;
    }
  }

  /** Gives waiting operations to idle connections. Hot: once per operation. */
  #sendWaiting(nowNs: number): void {
    const { inflightMax } = this.#schedule;
    while (this.#waitingCount > 0 && this.#idle.length > 0) {
      const dueNs = this.#waiting[this.#waitingHead]!;
      this.#waitingHead = (this.#waitingHead + 1) % inflightMax;
      this.#waitingCount--;
      if (nowNs - dueNs > LATE_NS) this.#late++;
      const connection = this.#idle.shift();
      connection.ring!.intendedNs = dueNs;
      this.sent++;
      connection.send(1);
    }
  }

  #isScheduleOver(): boolean {
    return this.#scheduled >= this.#operationsMax || this.#arrivals.peekNs() >= this.#dueNsMax;
  }

  #finishIfOver(): void {
    if (this.#isOver || !this.#isScheduleOver()) return;
    if (this.#waitingCount > 0 || this.done < this.sent) return;
    if (nanoseconds() - this.#startNs < this.#scheduleNs) return;
    this.#isOver = true;
    this.finish();
  }
}

/** Whether the backlog was on the rise while operations were due. */
export function isGrowing(backlogs: readonly number[], ratePerSecond: number): boolean {
  if (backlogs.length < BACKLOG_SAMPLES_MIN) return false;
  const first = meanOf(backlogs.slice(0, backlogs.length >> 1));
  const last = meanOf(backlogs.slice(-(backlogs.length >> 2)));
  return last > first * BACKLOG_GROWTH + ratePerSecond * BACKLOG_SECONDS_MIN;
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** First in, first out, of as many as there are at the start. */
class Queue<T> {
  readonly #items: T[];
  #head = 0;
  length: number;

  constructor(items: readonly T[]) {
    this.#items = [...items];
    this.length = items.length;
  }

  push(item: T): void {
    this.#items[(this.#head + this.length++) % this.#items.length] = item;
  }

  /** Only when there is one. */
  shift(): T {
    const item = this.#items[this.#head] as T;
    this.#head = (this.#head + 1) % this.#items.length;
    this.length--;
    return item;
  }
}
