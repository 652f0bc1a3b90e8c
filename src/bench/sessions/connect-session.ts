/**
 * How many WebSocket connections a server takes and holds, how fast it takes them, and what each
 * costs it in memory.
 *
 *      open, `connectorsCount` at a time ──> all open or refused ──> hold ──> who is still there
 *
 * The time is that of the opening alone. A connection that is refused or lost is an error.
 */
import { nanoseconds } from "../../base/clock.ts";
import { reasonOf } from "../../base/errors.ts";
import { checkDescriptors } from "../descriptors.ts";
import { parseWsUrl, WsConnection } from "../drivers/ws-connection.ts";
import { openServer, type Server } from "../fanout/server.ts";
import { residentBytes } from "../listening-process.ts";
import { bracket, emptyCounts, makePhaseRun } from "../measure.ts";
import type { ConnectPhase, PhasePlan } from "../plan.ts";
import { Histogram } from "../recorder/histogram.ts";
import { makeLatency } from "../recorder/percentiles.ts";
import { Series, SLICE_MS } from "../recorder/series.ts";
import type { ConnectResult, LatencySet, PhaseRun, SeriesResult } from "../result.ts";
import type { Session, SessionContext } from "../session.ts";

/** Throws FatalError when the server cannot be reached, with a hint how to start it. */
export async function openConnectSession(context: SessionContext): Promise<Session> {
  const server = await openServer(context);
  const { endpoint, isStartedHere, facts } = server;
  return {
    endpoint,
    isStartedHere,
    facts,
    run: (phase) => runPhase(context, server, phase),
    close: () => server.close(),
  };
}

async function runPhase(
  context: SessionContext,
  server: Server,
  phase: PhasePlan,
): Promise<PhaseRun> {
  if (phase.kind !== "connect") throw new RangeError(`not for ${phase.kind} phases`);
  checkDescriptors(phase.connectionsCount);
  const crowd = new Crowd(context, phase);
  const { processId } = server;
  const bytesBefore = processId === null ? null : residentBytes(processId);
  const startedAt = new Date().toISOString();
  try {
    const { result, processorTime } = await bracket(server.clock, () => crowd.open());
    await crowd.hold(phase.holdMs);
    const bytesHeld = processId === null ? null : residentBytes(processId);
    const counts = { ...emptyCounts(), ...crowd.counts(), elapsedNs: result.elapsedNs };
    return makePhaseRun({
      startedAt,
      counts,
      reads: null,
      isChecked: false,
      latency: latencyOf(crowd.histogram),
      series: result.series,
      processorTime,
      connect: connectResult(crowd, phase, result.elapsedNs, bytesBefore, bytesHeld),
    });
  } finally {
    crowd.close();
  }
}

function latencyOf(histogram: Histogram): LatencySet | null {
  if (histogram.count === 0) return null;
  return { primary: makeLatency(histogram, "round trip"), service: null, sendLag: null };
}

function connectResult(
  crowd: Crowd,
  phase: ConnectPhase,
  elapsedNs: number,
  serverBytesBefore: number | null,
  serverBytesHeld: number | null,
): ConnectResult {
  const { connected, failed, lost } = crowd;
  // A server that gave back memory of earlier connections meanwhile says nothing about these.
  const gained = (serverBytesHeld ?? 0) - (serverBytesBefore ?? 0);
  const isKnown = serverBytesBefore !== null && serverBytesHeld !== null && gained > 0;
  return {
    target: phase.connectionsCount,
    connected,
    failed,
    lost,
    connectionsPerSecond: (connected * 1e9) / elapsedNs,
    serverBytesBefore,
    serverBytesHeld,
    serverBytesPerConnection: isKnown && connected > 0 ? gained / connected : null,
  };
}

/** All connections of a phase. */
class Crowd {
  connected = 0;
  failed = 0;
  lost = 0;
  /** From the first packet of a connection to the answer to its handshake. */
  readonly histogram = new Histogram();
  readonly #context: SessionContext;
  readonly #phase: ConnectPhase;
  readonly #connections: WsConnection[] = [];
  #firstError = "";
  #next = 0;

  constructor(context: SessionContext, phase: ConnectPhase) {
    this.#context = context;
    this.#phase = phase;
  }

  /** Opens them all; resolves when each is open or refused. */
  async open(): Promise<{ elapsedNs: number; series: SeriesResult }> {
    const startNs = nanoseconds();
    const series = new Series(startNs, this.histogram);
    const { connectorsCount, connectionsCount, label } = this.#phase;
    const { progress } = this.#context;
    const timer = setInterval(() => {
      series.cut(nanoseconds(), this.connected);
      progress.show(label, this.#next, connectionsCount);
    }, SLICE_MS);
    const connectors = Math.min(connectorsCount, connectionsCount);
    try {
      await Promise.all(Array.from({ length: connectors }, () => this.#openNext()));
    } finally {
      clearInterval(timer);
    }
    const endNs = nanoseconds();
    series.cut(endNs, this.connected);
    return { elapsedNs: endNs - startNs, series: series.result() };
  }

  /** One connector: opens one connection after the other. */
  async #openNext(): Promise<void> {
    const { target, plan } = this.#context;
    const { connectionsCount, localAddresses } = this.#phase;
    const url = parseWsUrl(target.url ?? "");
    while (this.#next < connectionsCount) {
      const address = localAddresses[this.#next++ % localAddresses.length];
      const startNs = nanoseconds();
      try {
        const connection = await WsConnection.open(url, address, plan.timeoutMs, this);
        this.histogram.record(nanoseconds() - startNs, 1);
        this.connected++;
        this.#connections.push(connection);
      } catch (error) {
        this.failed++;
        this.#note(reasonOf(error));
      }
    }
  }

  /** Lets them be, and answers pings. */
  async hold(holdMs: number): Promise<void> {
    if (holdMs > 0) await Bun.sleep(holdMs);
  }

  counts() {
    const wires = this.#connections.map(({ wire }) => wire);
    const errorKinds: Record<string, number> = {};
    if (this.failed > 0) errorKinds.refused = this.failed;
    if (this.lost > 0) errorKinds.lost = this.lost;
    return {
      operations: this.connected,
      bytesOut: wires.reduce((sum, wire) => sum + (wire?.bytesOut ?? 0), 0),
      bytesIn: wires.reduce((sum, wire) => sum + (wire?.bytesIn ?? 0), 0),
      errorKinds,
      errorFirst: this.#firstError,
    };
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }

  onRead(): void {}
  onMessage(): void {}
  onWritable(): void {}

  onLost(reason: string): void {
    this.lost++;
    this.#note(reason);
  }

  #note(text: string): void {
    if (this.#firstError === "") this.#firstError = text;
  }
}
