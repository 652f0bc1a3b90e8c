/**
 * When the unanswered requests of one connection were sent: a ring of (time, how many) in order of
 * sending.
 *
 * One write may carry many requests, so that an entry stands for all of them; replies come in order
 * and are settled against the oldest entry. This is what gives each request of a pipeline its own
 * latency at the cost of one entry per write.
 *
 *      head            tail
 *      | 10:00.1 × 16 | 10:00.4 × 3 |   free   |
 *
 * Invariant: at most `requestsMax` requests are open, so that the ring (a power of two, one entry
 * per request) never fills.
 */
import { assert, debugAssert } from "../../base/assert.ts";
import type { Histogram } from "../recorder/histogram.ts";

export class SendTimes {
  readonly #sentNs: Float64Array;
  readonly #count: Int32Array;
  readonly #mask: number;
  #head = 0;
  #tail = 0;

  /** A ring for at most `requestsMax` unanswered requests. */
  constructor(requestsMax: number) {
    assert(requestsMax >= 1, `requestsMax (${requestsMax}) must be >= 1`);
    const size = 2 ** Math.ceil(Math.log2(requestsMax));
    this.#sentNs = new Float64Array(size);
    this.#count = new Int32Array(size);
    this.#mask = size - 1;
  }

  /** `count` requests were sent together at `nowNs`. Hot: once per write. */
  push(nowNs: number, count: number): void {
    debugAssert(this.#tail - this.#head <= this.#mask, "more open writes than open requests");
    const at = this.#tail++ & this.#mask;
    this.#sentNs[at] = nowNs;
    this.#count[at] = count;
  }

  /**
   * The oldest `replies` requests are answered at `nowNs`: their latencies go to `histogram`. Hot:
   * once per read.
   */
  settle(nowNs: number, replies: number, histogram: Histogram): void {
    let left = replies;
    while (left > 0) {
      debugAssert(this.#head < this.#tail, "a reply without a request");
      const at = this.#head & this.#mask;
      const count = this.#count[at]!;
      const taken = Math.min(count, left);
      histogram.record(nowNs - this.#sentNs[at]!, taken);
      if (taken === count) this.#head++;
      else this.#count[at] = count - taken;
      left -= taken;
    }
  }
}
