/**
 * Where the latencies of a phase go: up to three histograms, and in a mix one for each operation.
 *
 *      closed loop   primary  = reply - write
 *      open loop     primary  = reply - intended time (response),   service = reply - write,
 *                    send lag = write - intended time
 *
 * One per phase, shared by all connections. Without latencies only operations are counted.
 */
import { assert } from "../../base/assert.ts";
import { Histogram } from "./histogram.ts";

export class PhaseRecorder {
  readonly primary: Histogram | null;
  /** Both null in a closed loop. */
  readonly service: Histogram | null;
  readonly sendLag: Histogram | null;
  /** Latencies (the primary ones) by operation; empty when there is one operation only. */
  readonly byOperation: Histogram[];
  /** Operations done, by operation. */
  readonly counts: Float64Array;

  constructor(operationsCount: number, isTimed: boolean, isOpenLoop: boolean) {
    assert(isTimed || !isOpenLoop, "an open loop is there for latencies");
    this.primary = isTimed ? new Histogram() : null;
    this.service = isOpenLoop ? new Histogram() : null;
    this.sendLag = isOpenLoop ? new Histogram() : null;
    this.counts = new Float64Array(operationsCount);
    const isMix = isTimed && operationsCount > 1;
    this.byOperation = isMix ? Array.from(this.counts, () => new Histogram()) : [];
  }

  /** An operation is done. Hot: once per operation; 5 ns in a closed loop. */
  done(operation: number, intendedNs: number, sentNs: number, nowNs: number): void {
    this.counts[operation]!++;
    if (this.primary === null) return;
    let latencyNs = nowNs - sentNs;
    if (this.service !== null) {
      this.service.record(latencyNs, 1);
      this.sendLag!.record(sentNs - intendedNs, 1);
      latencyNs = nowNs - intendedNs;
    }
    this.primary.record(latencyNs, 1);
    if (this.byOperation.length > 0) this.byOperation[operation]!.record(latencyNs, 1);
  }
}
