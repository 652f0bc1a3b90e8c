/**
 * A load: connections, in this process or in several, that carry out phases of requests.
 *
 *      session ── run(phase) ──> load ── pacer (closed or open) ──> connections ──> server
 *
 * What a phase did comes back as plain data, so that it can cross from one process to another and
 * be added up there (merge.ts). Not here: what the server is, its processor time (sessions/).
 */
import type { PhaseCounts } from "../measure.ts";
import type { OperationName, RequestPhase } from "../plan.ts";
import type { ProgressSeen } from "../progress.ts";
import type { HistogramData } from "../recorder/histogram.ts";
import type { Slice } from "../recorder/series.ts";

export interface LoadResult extends PhaseCounts {
  /** Values that were asked for; null in a phase that reads nothing. */
  reads: number | null;
  /** Somebody looked into the values that came back. */
  isChecked: boolean;
  /** Null without latencies; `service` and `sendLag` only in an open loop. */
  primary: HistogramData | null;
  service: HistogramData | null;
  sendLag: HistogramData | null;
  byOperation: OperationResult[];
  slices: Slice[];
  open: OpenLoad | null;
  /** Processor time of the load processes, in ns, without that of waiting for what is due. */
  clientNs: number;
}

export interface OperationResult {
  operation: OperationName;
  count: number;
  latency: HistogramData | null;
}

/** What an open loop did beside the operations. */
export interface OpenLoad {
  late: number;
  dropped: number;
  isBacklogGrowing: boolean;
}

/**
 * Called about four times a second with the operations done so far; `seen` works out the rest, when
 * somebody looks.
 */
export type OnProgress = (done: number, seen?: () => ProgressSeen) => void;

export interface Load {
  /** Sends operations of the phase for its `warmupMs`, and waits for their replies. */
  warmUp(phase: RequestPhase): Promise<void>;
  /**
   * Runs one phase to its end. Throws FatalError when a connection breaks, the server stalls or a
   * load process is gone.
   */
  run(phase: RequestPhase, onProgress: OnProgress | null): Promise<LoadResult>;
  close(): Promise<void>;
}
