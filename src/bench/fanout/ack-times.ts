/**
 * When the messages were sent that one publisher has under way: a queue of (time, how many), in
 * order of sending. It grows as an open loop needs it.
 */
import { assert } from "../../base/assert.ts";
import type { Histogram } from "../recorder/histogram.ts";

const SIZE_START = 16;

export class AckTimes {
  #sentNs = new Float64Array(SIZE_START);
  #counts = new Int32Array(SIZE_START);
  #head = 0;
  #tail = 0;

  /** `count` messages were sent together. Hot: once per write. */
  push(sentNs: number, count: number): void {
    if (this.#tail - this.#head === this.#counts.length) this.#grow();
    const at = this.#tail++ & (this.#counts.length - 1);
    this.#sentNs[at] = sentNs;
    this.#counts[at] = count;
  }

  /** How many went out with the oldest write that is under way. */
  get oldestCount(): number {
    return this.#head === this.#tail ? 0 : this.#counts[this.#head & (this.#counts.length - 1)]!;
  }

  /** The oldest `count` messages, no more than are under way, are acknowledged. */
  settle(nowNs: number, count: number, histogram: Histogram | null): void {
    const mask = this.#counts.length - 1;
    let left = count;
    while (left > 0) {
      assert(this.#head < this.#tail, "an acknowledgement of nothing");
      const at = this.#head & mask;
      const taken = Math.min(left, this.#counts[at]!);
      histogram?.record(nowNs - this.#sentNs[at]!, taken);
      this.#counts[at]! -= taken;
      if (this.#counts[at] === 0) this.#head++;
      left -= taken;
    }
  }

  #grow(): void {
    const size = this.#counts.length;
    const [sentNs, counts] = [new Float64Array(size * 2), new Int32Array(size * 2)];
    for (let i = 0; i < size; i++) {
      const from = (this.#head + i) & (size - 1);
      sentNs[i] = this.#sentNs[from]!;
      counts[i] = this.#counts[from]!;
    }
    this.#sentNs = sentNs;
    this.#counts = counts;
    this.#head = 0;
    this.#tail = size;
  }
}
