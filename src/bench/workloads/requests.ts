/**
 * What a driver needs of a workload: encoded requests to write, and what their replies must be.
 *
 *      workload ── encode(count) ──> driver ──> socket ──> reply counter ──> ring ──> listener
 *
 * A workload owns one scratch buffer for all connections; nothing is allocated while the clock
 * runs. It counts in operations, of which each may be several requests.
 */
import { ReplyKind } from "../drivers/reply-counter.ts";
import type { ReplyListener, RequestRing, RequestShape } from "../drivers/request-ring.ts";
import type { OperationName } from "../plan.ts";

export interface RequestEncoder {
  /** The scratch buffer. Valid until the next `encode`. */
  readonly bytes: Buffer;
  /** How many operations the scratch buffer holds: the most that one `encode` gives. */
  readonly countMax: number;
  /** What the requests are; shapes name their operation by its index. */
  readonly operations: readonly OperationName[];
  readonly shapes: readonly RequestShape[];
  readonly listener: ReplyListener;
  /**
   * Each operation is one request of the only shape, and nobody looks at single replies: there is
   * no need for a ring.
   */
  readonly isUniform: boolean;
  /** Bytes of values in what was encoded, without keys and framing. */
  payloadBytes: number;
  /** Values that were asked for. */
  readsCount: number;
  /**
   * Writes the next `count` (<= countMax) operations at the start of `bytes`, adds their requests
   * to `ring` (null when uniform); returns their size. Hot: once per write.
   */
  encode(count: number, ring: RequestRing | null): number;
  /** Writes one request that a reply has asked for at `at`; returns its end. */
  encodeFollowUp(shape: number, key: number, at: number): number;
}

/** A shape of one request that is a whole operation, with what differs from that. */
export function shapeOf(kind: ReplyKind, changes: Partial<RequestShape> = {}): RequestShape {
  return {
    kind,
    bulkLength: -1,
    itemsMin: 0,
    itemsMax: 0,
    isSizedByKey: false,
    operation: 0,
    isLast: true,
    followUp: -1,
    ...changes,
  };
}

/** A status, and nothing that is looked at: AUTH, SELECT. */
export const STATUS_SHAPE = shapeOf(ReplyKind.Status);

/** For where nobody looks at replies. */
export const NO_LISTENER: ReplyListener = { sizeOf: () => -1, checkValue: null, answered: null };
