/**
 * One fan-out phase: warm-up, the bracket of processor time, and what was counted as a result.
 */

import {
  bracket,
  emptyCounts,
  makePhaseRun,
  type PhaseCounts,
  type ServerClock,
} from "../measure.ts";
import type { FanoutPhase } from "../plan.ts";
import { clientProcessorNs } from "../processor-time.ts";
import { makeLatency } from "../recorder/percentiles.ts";
import type { FanoutResult, LatencySet, OpenLoopResult, PhaseRun } from "../result.ts";
import type { SessionContext } from "../session.ts";
import type { FanoutDriver } from "./driver.ts";
import type { FanoutCounts, FanoutLoop, FanoutWork } from "./loop.ts";

/** An open loop that reached less of its rate than this did not keep it. */
const SUSTAINED_SHARE = 0.99;

/** Runs `phase` on connections that are open. */
export async function measureFanout(
  context: SessionContext,
  phase: FanoutPhase,
  loop: FanoutLoop,
  driver: FanoutDriver,
  clock: ServerClock,
): Promise<PhaseRun> {
  const work = workOf(context, phase);
  if (phase.warmupMs > 0) {
    const { warmupMs: durationMs } = phase;
    const isTiming = false;
    await loop.run({ ...work, tag: newTag(), messages: Infinity, durationMs, isTiming });
  }
  const [outBefore, inBefore] = [driver.bytesOut(), driver.bytesIn()];
  const startedAt = new Date().toISOString();
  const { result, processorTime } = await bracket(clock, async () => {
    const before = clientProcessorNs();
    const counts = await loop.run(work);
    const clientNs = Math.max(0, clientProcessorNs() - before - counts.idleNs);
    return { elapsedNs: counts.endNs - counts.startNs, clientNs, counts };
  });
  const { counts } = result;
  const fanout = fanoutResult(counts, loop, phase.subscribersCount);
  const phaseCounts = phaseCountsOf(counts, fanout, loop, driver);
  phaseCounts.bytesOut = driver.bytesOut() - outBefore;
  phaseCounts.bytesIn = driver.bytesIn() - inBefore;
  const { schedule } = phase;
  return makePhaseRun({
    startedAt,
    counts: phaseCounts,
    reads: null,
    isChecked: true,
    latency: latencyOf(counts, loop),
    series: counts.series,
    processorTime,
    ...(schedule === null ? {} : { open: openResult(counts, schedule) }),
    fanout,
  });
}

function workOf({ plan, progress, label }: SessionContext, phase: FanoutPhase): FanoutWork {
  const { amount } = phase;
  const messages = "operations" in amount ? amount.operations : Number.POSITIVE_INFINITY;
  const durationMs = "durationMs" in amount ? amount.durationMs : Number.POSITIVE_INFINITY;
  const what = `${label} ${phase.label}`;
  return {
    tag: newTag(),
    messages,
    durationMs,
    batchSize: phase.batchSize,
    schedule: phase.schedule,
    seed: plan.seed,
    isTiming: plan.isTimingLatency,
    onProgress: (published, elapsedMs) =>
      Number.isFinite(messages)
        ? progress.show(what, published, messages)
        : progress.show(what, elapsedMs, durationMs),
  };
}

/** Not from the seed: two runs at the same time must not take each other's messages. */
function newTag(): number {
  return crypto.getRandomValues(new Int32Array(1))[0] ?? 0;
}

function fanoutResult(
  counts: FanoutCounts,
  { deliveries }: FanoutLoop,
  subscribersCount: number,
): FanoutResult {
  const { published, startNs, publishEndNs, lastDeliveryNs, endNs } = counts;
  const { delivered, gaps, outOfOrder, duplicates } = deliveries.tally;
  const expected = published * subscribersCount;
  return {
    published,
    publishedPerSecond: perSecond(published, publishEndNs - startNs),
    expected,
    delivered,
    deliveredPerSecond: perSecond(delivered, endNs - startNs),
    reach: expected === 0 ? 0 : delivered / expected,
    gaps,
    outOfOrder,
    duplicates,
    subscribersCut: counts.subscribersCut,
    drainNs: Math.max(0, lastDeliveryNs - publishEndNs),
    publishLatency: makeOptionalLatency(counts.publishHistogram, "round trip"),
  };
}

function phaseCountsOf(
  counts: FanoutCounts,
  fanout: FanoutResult,
  { deliveries }: FanoutLoop,
  driver: FanoutDriver,
): PhaseCounts {
  const { expected, delivered, duplicates, outOfOrder } = fanout;
  return {
    ...emptyCounts(),
    operations: counts.published,
    elapsedNs: counts.endNs - counts.startNs,
    payloadBytesOut: driver.source.payloadBytes,
    payloadBytesIn: deliveries.payloadBytes,
    errorKinds: counts.errorKinds,
    errorFirst: counts.firstError,
    unexpected: counts.unexpected,
    wrongValues: deliveries.wrongValues,
    undelivered: expected - delivered + duplicates + outOfOrder,
  };
}

function latencyOf(counts: FanoutCounts, { deliveries }: FanoutLoop): LatencySet | null {
  const primary = makeOptionalLatency(deliveries.latency, "end to end");
  if (primary === null) return null;
  return {
    primary,
    service: makeOptionalLatency(deliveries.service, "service"),
    sendLag: makeOptionalLatency(counts.sendLag, "send lag"),
  };
}

function makeOptionalLatency(
  histogram: Parameters<typeof makeLatency>[0] | null,
  kind: Parameters<typeof makeLatency>[1],
) {
  return histogram === null || histogram.count === 0 ? null : makeLatency(histogram, kind);
}

function openResult(
  counts: FanoutCounts,
  { ratePerSecond, arrival }: NonNullable<FanoutPhase["schedule"]>,
): OpenLoopResult {
  const { late, dropped } = counts;
  const scheduleNs = (counts.published + dropped) * (1e9 / ratePerSecond);
  const elapsedNs = Math.max(counts.publishEndNs - counts.startNs, scheduleNs);
  const rateAchieved = perSecond(counts.published, elapsedNs);
  return {
    rateTarget: ratePerSecond,
    rateAchieved,
    arrival,
    late,
    dropped,
    isSustained: dropped === 0 && rateAchieved >= ratePerSecond * SUSTAINED_SHARE,
  };
}

function perSecond(count: number, ns: number): number {
  return ns <= 0 ? 0 : (count * 1e9) / ns;
}
