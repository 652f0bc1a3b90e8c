/** Targets with made-up figures of each kind of phase, for the tests of what shows results. */
import type { ConnectPhase, FanoutPhase, RequestPhase } from "./plan.ts";
import { Histogram } from "./recorder/histogram.ts";
import { makeLatency } from "./recorder/percentiles.ts";
import type { LatencyKind, LatencySet, TargetResult } from "./result.ts";
import { makePhaseResult } from "./summarize.ts";
import { READ_PHASE, runOf, targetOf } from "./test-results.ts";

/** 1,000 latencies of `ns`, and one in fifty of 15 times that. */
function latencyOf(kind: LatencyKind, ns: number) {
  const histogram = new Histogram();
  histogram.record(ns, 980);
  histogram.record(ns * 15, 20);
  return makeLatency(histogram, kind);
}

/** An open loop at each rate that reaches nine tenths of it. */
export function openTarget(rates: number[]): TargetResult {
  const phases = rates.map((ratePerSecond) => {
    const schedule = { ratePerSecond, arrival: "const", inflightMax: 100 } as const;
    const phase = { ...(READ_PHASE as RequestPhase), label: "GET", schedule };
    const latency: LatencySet = {
      primary: latencyOf("response", 200_000),
      service: latencyOf("service", 100_000),
      sendLag: latencyOf("send lag", 10_000),
    };
    const open = {
      rateTarget: ratePerSecond,
      rateAchieved: ratePerSecond * 0.9,
      arrival: "const",
      late: 7,
      dropped: 3,
      isSustained: false,
    } as const;
    return makePhaseResult(phase, [runOf(ratePerSecond * 0.9, { latency, open })]);
  });
  return targetOf("kv", { phases });
}

/** 1,000 messages to 10 subscribers, of which `delivered` arrived. */
export function fanoutTarget(backend: "kv" | "valkey", delivered: number): TargetResult {
  const phase: FanoutPhase = {
    kind: "fanout",
    name: "pubsub",
    label: "PUBSUB (1P/10S)",
    isMeasured: true,
    warmupMs: 0,
    amount: { operations: 1000 },
    publishersCount: 1,
    subscribersCount: 10,
    schedule: null,
    batchSize: 1,
    localAddresses: [],
  };
  const latency = { primary: latencyOf("end to end", 100_000), service: null, sendLag: null };
  const fanout = {
    published: 1000,
    publishedPerSecond: 1000,
    expected: 10_000,
    delivered,
    deliveredPerSecond: delivered,
    reach: delivered / 10_000,
    gaps: 10_000 - delivered,
    outOfOrder: 0,
    duplicates: 0,
    subscribersCut: 0,
    drainNs: 5_000_000,
    publishLatency: latencyOf("round trip", 50_000),
  };
  return targetOf(backend, {
    phases: [makePhaseResult(phase, [runOf(1000, { latency, fanout, reads: null })])],
  });
}

/** 990 of 1,000 connections. */
export function connectTarget(): TargetResult {
  const phase: ConnectPhase = {
    kind: "connect",
    name: "ws-connect",
    label: "WS Conn (1000 Target)",
    isMeasured: true,
    warmupMs: 0,
    connectionsCount: 1000,
    connectorsCount: 10,
    holdMs: 0,
    localAddresses: [],
  };
  const connect = {
    target: 1000,
    connected: 990,
    failed: 10,
    lost: 2,
    connectionsPerSecond: 5000,
    serverBytesBefore: 10 * 1024 * 1024,
    serverBytesHeld: 20 * 1024 * 1024,
    serverBytesPerConnection: (10 * 1024 * 1024) / 990,
  };
  const run = runOf(5000, { connect, latency: null, reads: null });
  return targetOf("kv", { phases: [makePhaseResult(phase, [run])] });
}
