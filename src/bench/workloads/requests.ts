/**
 * What a driver needs of a workload: encoded requests to write, and somebody to check the replies.
 *
 *      workload ── encode(count) ──> driver ──> socket ──> reply counter ──> verifier
 *
 * A workload owns one scratch buffer for all connections. The requests in it are encoded once,
 * before the clock starts; for each batch only what differs is patched (the key's digits, the
 * value), so that any number of requests costs the same memory and nothing is allocated while the
 * clock runs.
 */
import type { ReplyKind, ReplyVerifier } from "../drivers/reply-counter.ts";

export interface RequestEncoder {
  /** The scratch buffer. Valid until the next `encode`. */
  readonly bytes: Buffer;
  /** How many requests the scratch buffer holds: the most that one `encode` gives. */
  readonly countMax: number;
  /** Bytes of values in one request, without keys and framing. */
  readonly payloadSize: number;
  readonly replyKind: ReplyKind;
  /** The length that a bulk reply must have; -1 for any. */
  readonly replyLength: number;
  /**
   * Writes the next `count` (<= countMax) requests at the start of `bytes`; returns their size.
   * Hot: once per write.
   */
  encode(count: number, verifier: RequestVerifier | null): number;
}

/**
 * Checks the replies of one connection: told every key that is sent, shown every reply in the same
 * order.
 */
export interface RequestVerifier extends ReplyVerifier {
  /** A request for `key` goes out. */
  sent(key: number): void;
  /** Replies whose value is not what was written. */
  wrongCount: number;
}
