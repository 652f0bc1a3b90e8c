/**
 * The fan-out loop: when publishers send, and when a phase is over.
 *
 *      publishing ── all sent and acknowledged ──> draining ── all delivered, or silence ──> over
 *
 * Closed loop: each publisher has one batch under way; when the server has acknowledged it, the
 * next goes out. That is all the back-pressure there is: subscribers do not slow publishers down,
 * so a server that takes messages faster than it hands them on has to queue, to lose or to cut off,
 * and what it does is counted. Where nobody acknowledges (WebSocket), a publisher waits for its own
 * messages to come back. Open loop: messages are due by a schedule (workloads/arrivals.ts),
 * whatever the server does; what is due while `inflightMax` are unacknowledged is dropped and
 * counted. All publishers draw from one count, so that the number of messages is exact. Limits:
 * DRAIN_IDLE_MS without a delivery ends the draining; `timeoutMs` without an acknowledgement or a
 * delivery fails the phase.
 */
import { assert } from "../../base/assert.ts";
import { nanoseconds } from "../../base/clock.ts";
import { FatalError } from "../../base/errors.ts";
import type { Schedule } from "../plan.ts";
import { Histogram } from "../recorder/histogram.ts";
import { Series, SLICE_MS } from "../recorder/series.ts";
import type { SeriesResult } from "../result.ts";
import { type Arrivals, createArrivals } from "../workloads/arrivals.ts";
import { Deliveries } from "./deliveries.ts";
import type { FanoutDriver, FanoutOwner } from "./driver.ts";
import { DueTimer } from "./due-timer.ts";
import type { PayloadPool } from "./payloads.ts";
import { DeliveryTally } from "./tally.ts";

/** So long without a delivery, and what is missing is lost. */
export const DRAIN_IDLE_MS = 2000;
/** A message that left later than this was delayed by more than a turn of the event loop. */
const LATE_NS = 1_000_000;

export interface FanoutWork {
  tag: number;
  /** Messages at the most; Infinity when time decides. */
  messages: number;
  /** Infinity when the number decides. */
  durationMs: number;
  batchSize: number;
  schedule: Schedule | null;
  seed: number;
  isTiming: boolean;
  onProgress: ((published: number, elapsedMs: number) => void) | null;
}

/** What one phase did. */
export interface FanoutCounts {
  published: number;
  startNs: number;
  /** When the last message was acknowledged; without one, sent. */
  publishEndNs: number;
  lastDeliveryNs: number;
  endNs: number;
  subscribersCut: number;
  unexpected: number;
  errorKinds: Record<string, number>;
  /** The first error, cut or unexpected reply in words; empty when there was none. */
  firstError: string;
  late: number;
  dropped: number;
  /** Processor time that an open loop spent waiting. */
  idleNs: number;
  sendLag: Histogram | null;
  publishHistogram: Histogram | null;
  series: SeriesResult;
}

export class FanoutLoop implements FanoutOwner {
  publishHistogram: Histogram | null = null;
  readonly deliveries: Deliveries;
  readonly #subscribersCount: number;
  readonly #isCut: Uint8Array;
  readonly #timeoutMs: number;
  #driver: FanoutDriver | null = null;
  #work: FanoutWork | null = null;
  #counts: FanoutCounts = emptyCounts(0);
  #left = 0;
  /** Messages of each publisher that are not acknowledged; their sum. */
  #open = new Int32Array(0);
  #openTotal = 0;
  #isPublishing = false;
  /** Deliveries after which nothing more is to come; known when publishing is over. */
  #goal = Number.POSITIVE_INFINITY;
  #isSettled = true;
  #settled = Promise.withResolvers<void>();
  #arrivals: Arrivals | null = null;
  #dueTimer: DueTimer | null = null;
  #turn = 0;
  /** When something came in last: an acknowledgement or a delivery. */
  #lastNs = 0;
  /** Windows were given up, and nothing has come since. */
  #hasGivenUp = false;
  /** Why a publisher broke, at any time, also between two phases. */
  #failure: FatalError | null = null;

  constructor(
    pool: PayloadPool,
    publishersCount: number,
    subscribersCount: number,
    timeoutMs: number,
  ) {
    const tally = new DeliveryTally(subscribersCount, publishersCount);
    this.deliveries = new Deliveries(tally, pool, publishersCount);
    this.#subscribersCount = subscribersCount;
    this.#isCut = new Uint8Array(subscribersCount);
    this.#timeoutMs = timeoutMs;
  }

  /** Before the first phase. */
  attach(driver: FanoutDriver): void {
    this.#driver = driver;
    this.#open = new Int32Array(driver.publishers.length);
  }

  /** Runs one phase to its end. Throws FatalError when a publisher breaks or the server stalls. */
  async run(work: FanoutWork): Promise<FanoutCounts> {
    if (this.#failure !== null) throw this.#failure;
    const driver = this.#start(work);
    const { startNs } = this.#counts;
    const { schedule } = work;
    const series = new Series(startNs, this.deliveries.latency);
    const timers = [setInterval(() => this.#look(series), SLICE_MS)];
    if (Number.isFinite(work.durationMs)) {
      timers.push(setTimeout(() => this.#stopPublishing(), work.durationMs));
    }
    if (schedule === null) {
      for (let publisher = 0; publisher < driver.publishers.length; publisher++) {
        this.#sendNext(publisher);
      }
    } else {
      this.#startSchedule(schedule, work.seed);
    }
    try {
      await this.#settled.promise;
    } finally {
      for (const timer of timers) clearInterval(timer);
      this.#dueTimer?.stop();
    }
    const { publishEndNs, lastDeliveryNs } = this.#counts;
    this.#counts.endNs = Math.max(publishEndNs, lastDeliveryNs, startNs + scheduleNs(work));
    this.#counts.idleNs = this.#dueTimer?.idleNs ?? 0;
    series.cut(this.#counts.endNs, this.deliveries.tally.delivered);
    return { ...this.#counts, series: series.result() };
  }

  #start(work: FanoutWork): FanoutDriver {
    const driver = this.#driver;
    assert(driver !== null, "a loop without a driver");
    const isOpen = work.schedule !== null;
    const histogram = () => (work.isTiming ? new Histogram() : null);
    driver.source.start(work.tag);
    this.deliveries.start(work.tag, histogram(), isOpen ? histogram() : null);
    this.publishHistogram = driver.isAckedByEcho ? null : histogram();
    this.#work = work;
    this.#left = work.messages;
    this.#goal = Number.POSITIVE_INFINITY;
    this.#isPublishing = true;
    this.#isSettled = false;
    this.#settled = Promise.withResolvers<void>();
    this.#open.fill(0);
    this.#openTotal = this.#turn = 0;
    this.#hasGivenUp = false;
    this.#dueTimer = null;
    const nowNs = nanoseconds();
    this.#counts = emptyCounts(nowNs);
    this.#counts.publishHistogram = this.publishHistogram;
    this.#counts.sendLag = isOpen ? histogram() : null;
    this.#counts.subscribersCut = this.#isCut.reduce((sum, cut) => sum + cut, 0);
    this.#lastNs = nowNs;
    return driver;
  }

  // ---- Sending ----

  #sendNext(publisher: number): void {
    const { batchSize } = this.#work!;
    const count = Math.min(this.#left, batchSize);
    if (!this.#isPublishing || count === 0) {
      this.#finishPublishing();
      return;
    }
    if (this.#isGone(publisher)) return;
    this.#left -= count;
    this.#note(publisher, count);
    this.#driver!.publishers[publisher]!.send(count);
  }

  #startSchedule(schedule: Schedule, seed: number): void {
    this.#arrivals = createArrivals(schedule.arrival, schedule.ratePerSecond, seed);
    this.#dueTimer = new DueTimer(
      () => this.#sendDue(schedule),
      () => this.#counts.published + this.#counts.dropped + this.deliveries.tally.delivered,
    );
    this.#dueTimer.arm(this.#counts.startNs + this.#arrivals.peekNs());
  }

  /** Sends everything that is due, one publisher after the other. */
  #sendDue(schedule: Schedule): void {
    if (!this.#isPublishing) return;
    const { source, publishers } = this.#driver!;
    const { startNs, sendLag } = this.#counts;
    const due = Math.min(this.#arrivals!.dueCount(nanoseconds() - startNs), this.#left);
    for (let i = 0; i < due; i++) {
      const dueNs = startNs + this.#arrivals!.nextNs();
      this.#left--;
      const publisher = this.#nextPublisher();
      if (publisher < 0 || this.#openTotal >= schedule.inflightMax) {
        this.#counts.dropped++;
        continue;
      }
      source.dueNs = dueNs;
      this.#note(publisher, 1);
      publishers[publisher]!.sendDue();
      const lagNs = source.sentNs - dueNs;
      sendLag?.record(lagNs, 1);
      if (lagNs > LATE_NS) this.#counts.late++;
    }
    if (this.#left === 0) this.#finishPublishing();
    else this.#dueTimer?.arm(startNs + this.#arrivals!.peekNs());
  }

  /** The next in turn that is still connected; -1 when none is. */
  #nextPublisher(): number {
    const count = this.#open.length;
    for (let tries = 0; tries < count; tries++) {
      const publisher = this.#turn;
      this.#turn = (this.#turn + 1) % count;
      if (!this.#isGone(publisher)) return publisher;
    }
    return -1;
  }

  /** In the chat a client that was cut off cannot publish either. */
  #isGone(publisher: number): boolean {
    return this.#driver!.isAckedByEcho && this.#isCut[publisher] === 1;
  }

  #note(publisher: number, count: number): void {
    this.#open[publisher]! += count;
    this.#openTotal += count;
    this.#counts.published += count;
  }

  #stopPublishing(): void {
    this.#left = 0;
    this.#isPublishing = false;
    this.#finishPublishing();
  }

  /** When nothing is left to send and nothing under way, what is to come is known. */
  #finishPublishing(): void {
    if (this.#left > 0 || this.#isSettled) return;
    this.#isPublishing = false;
    if (this.#openTotal > 0 && !this.#driver!.isAckedByEcho) return;
    if (this.#counts.publishEndNs === 0) this.#counts.publishEndNs = nanoseconds();
    this.#goal = this.#reachable();
    if (this.deliveries.tally.delivered >= this.#goal) this.#settle();
  }

  /** Deliveries that can still be: a subscriber that was cut off gets no more. */
  #reachable(): number {
    const { published } = this.#counts;
    const { deliveredTo } = this.deliveries.tally;
    let sum = 0;
    for (let subscriber = 0; subscriber < this.#subscribersCount; subscriber++) {
      sum += this.#isCut[subscriber] === 1 ? deliveredTo[subscriber]! : published;
    }
    return sum;
  }

  #settle(): void {
    this.#isSettled = true;
    this.#settled.resolve();
  }

  // ---- What comes in ----

  onDelivery(subscriber: number, bytes: Buffer, at: number, size: number, nowNs: number): void {
    const publisher = this.deliveries.take(subscriber, bytes, at, size, nowNs);
    if (publisher < 0 || this.#isSettled) return;
    this.#lastNs = this.#counts.lastDeliveryNs = nowNs;
    this.#hasGivenUp = false;
    if (publisher === subscriber && this.#driver!.isAckedByEcho) this.onAcknowledged(publisher, 1);
    if (this.deliveries.tally.delivered >= this.#goal) this.#settle();
  }

  onAcknowledged(publisher: number, count: number): void {
    // A window that was given up can still be answered.
    const taken = Math.min(count, this.#open[publisher]!);
    this.#open[publisher]! -= taken;
    this.#openTotal -= taken;
    if (this.#isSettled) return;
    this.#lastNs = nanoseconds();
    if (this.#work!.schedule === null) {
      if (this.#open[publisher] === 0) this.#sendNext(publisher);
    } else if (this.#left === 0) this.#finishPublishing();
  }

  onUnexpected(text: string): void {
    this.#counts.unexpected++;
    this.#noteError(text);
  }

  onErrorReply(text: string): void {
    const kind = text.split(" ", 1)[0] ?? "";
    const { errorKinds } = this.#counts;
    errorKinds[kind] = (errorKinds[kind] ?? 0) + 1;
    this.#noteError(text);
  }

  onCut(subscriber: number, reason: string): void {
    if (this.#isCut[subscriber] === 1) return;
    this.#isCut[subscriber] = 1;
    // The cause, where PUBLISH may already have told of the effect.
    if (this.#counts.subscribersCut === 0) this.#counts.firstError = "";
    this.#counts.subscribersCut++;
    this.#noteError(`subscriber ${subscriber} was cut off: ${reason}`);
    if (this.#isSettled) return;
    if (this.#isCut.every((cut) => cut === 1) && this.#driver?.isAckedByEcho) {
      this.#left = 0;
    }
    if (!this.#isPublishing || this.#left === 0) this.#finishPublishing();
  }

  onFailure(reason: string): void {
    const { published } = this.#counts;
    this.#failure ??= new FatalError(`Cannot go on after ${published} messages: ${reason}`);
    this.#isSettled = true;
    // Whoever waits sees the failure; nobody does before the first phase.
    this.#settled.promise.catch(() => {});
    this.#settled.reject(this.#failure);
  }

  #noteError(text: string): void {
    if (this.#counts.firstError === "") this.#counts.firstError = text;
  }

  // ---- Four times a second ----

  #look(series: Series): void {
    if (this.#isSettled) return;
    const nowNs = nanoseconds();
    const idleMs = (nowNs - this.#lastNs) / 1e6;
    series.cut(nowNs, this.deliveries.tally.delivered);
    this.#work?.onProgress?.(this.#counts.published, (nowNs - this.#counts.startNs) / 1e6);
    if (this.#openTotal > 0 && !this.#driver!.isAckedByEcho) {
      if (idleMs >= this.#timeoutMs) this.onFailure(`no reply for ${this.#timeoutMs / 1000} s`);
    } else if (idleMs >= DRAIN_IDLE_MS && this.#goal < Number.POSITIVE_INFINITY) {
      this.#settle();
    } else if (idleMs >= DRAIN_IDLE_MS && this.#openTotal > 0) {
      this.#giveUpWindows(nowNs);
    }
  }

  /**
   * Publishers wait for messages of their own that do not come: those are lost, and the next go
   * out. When that brought nothing either, the phase is over.
   */
  #giveUpWindows(nowNs: number): void {
    const isHopeless = this.#hasGivenUp;
    this.#hasGivenUp = true;
    this.#noteError("the server did not send clients their own messages");
    this.#open.fill(0);
    this.#openTotal = 0;
    this.#lastNs = nowNs;
    if (isHopeless) {
      this.#stopPublishing();
      this.#settle();
      return;
    }
    if (this.#work!.schedule !== null) return;
    for (let publisher = 0; publisher < this.#open.length; publisher++) this.#sendNext(publisher);
  }
}

/** How long a schedule lasts: the last message is due before its end. 0 in a closed loop. */
function scheduleNs({ schedule, messages, durationMs }: FanoutWork): number {
  if (schedule === null) return 0;
  return Math.min((messages / schedule.ratePerSecond) * 1e9, durationMs * 1e6);
}

function emptyCounts(startNs: number): FanoutCounts {
  return {
    published: 0,
    startNs,
    publishEndNs: 0,
    lastDeliveryNs: 0,
    endNs: 0,
    subscribersCut: 0,
    unexpected: 0,
    errorKinds: {},
    firstError: "",
    late: 0,
    dropped: 0,
    idleNs: 0,
    sendLag: null,
    publishHistogram: null,
    series: { endsMs: [], operations: [], p50Ns: null, p99Ns: null },
  };
}
