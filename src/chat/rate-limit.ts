/**
 * How much one client may send: a token bucket for messages and one for their bytes.
 *
 *      messages: `rate` a second, at most one second's worth at once
 *      bytes:    `rate` × CHAT_BYTES_PER_MESSAGE a second; a full one fits the largest message
 *
 * Two numbers and a time per client: the buckets fill when they are looked at.
 */
import { CHAT_BYTES_PER_MESSAGE } from "../base/limits.ts";

const NS_PER_S = 1e9;

export interface Rate {
  /** Messages per second; 0 for no limit. */
  readonly perSecond: number;
  readonly bytesPerSecond: number;
  readonly bytesBurst: number;
}

export function rateOf(perSecond: number, payloadSizeMax: number): Rate {
  const bytesPerSecond = perSecond * CHAT_BYTES_PER_MESSAGE;
  return { perSecond, bytesPerSecond, bytesBurst: Math.max(bytesPerSecond, payloadSizeMax) };
}

export class RateLimit {
  #messages: number;
  #bytes: number;
  #filledNs: number;

  constructor(rate: Rate, nowNs: number) {
    this.#messages = rate.perSecond;
    this.#bytes = rate.bytesBurst;
    this.#filledNs = nowNs;
  }

  /** Takes what a message of `sizeBytes` costs; false when there is not enough. */
  take(rate: Rate, sizeBytes: number, nowNs: number): boolean {
    if (rate.perSecond === 0) return true;
    const seconds = (nowNs - this.#filledNs) / NS_PER_S;
    this.#filledNs = nowNs;
    const messages = Math.min(rate.perSecond, this.#messages + seconds * rate.perSecond) - 1;
    const filled = Math.min(rate.bytesBurst, this.#bytes + seconds * rate.bytesPerSecond);
    const bytes = filled - sizeBytes;
    if (messages < 0 || bytes < 0) {
      this.#messages = messages + 1;
      this.#bytes = filled;
      return false;
    }
    this.#messages = messages;
    this.#bytes = bytes;
    return true;
  }
}
