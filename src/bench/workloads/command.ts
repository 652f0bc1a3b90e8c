/**
 * The workload of `--command`: one template, rendered again and again.
 *
 * What the reply of any command has to be is not known, so that everything but an error is taken.
 * For commands that read one value, a null is counted as a miss; it is no error, since nobody said
 * that the keys are there.
 */
import { ReplyKind } from "../drivers/reply-counter.ts";
import type { RequestRing, RequestShape } from "../drivers/request-ring.ts";
import type { OperationName } from "../plan.ts";
import type { CommandTemplate } from "./command-template.ts";
import { NO_LISTENER, type RequestEncoder, shapeOf } from "./requests.ts";
import { SCRATCH_SIZE_MAX } from "./simple.ts";
import { TemplateRenderer, type TemplateRendererOptions } from "./template-renderer.ts";

/** Commands that answer with one value, or null where there is none. */
const READING_NAMES: readonly string[] = [
  ...["GET", "GETDEL", "GETEX", "HGET", "LINDEX", "LPOP", "RPOP", "LMOVE", "RPOPLPUSH"],
  ...["SPOP", "SRANDMEMBER", "ZSCORE", "ZRANK"],
];

export class CommandRequests implements RequestEncoder {
  readonly bytes: Buffer;
  readonly countMax: number;
  readonly operations: readonly OperationName[] = ["command"];
  readonly shapes: readonly RequestShape[] = [shapeOf(ReplyKind.Any)];
  readonly listener = NO_LISTENER;
  readonly isUniform = true;
  /** The command reads one value. */
  readonly isReading: boolean;
  readsCount = 0;
  readonly #renderer: TemplateRenderer;

  constructor(template: CommandTemplate, options: TemplateRendererOptions, batchSize: number) {
    this.#renderer = new TemplateRenderer(template, options);
    this.isReading = READING_NAMES.includes(template.name);
    const { sizeMax } = this.#renderer;
    this.countMax = Math.max(1, Math.min(batchSize, Math.floor(SCRATCH_SIZE_MAX / sizeMax)));
    this.bytes = Buffer.allocUnsafeSlow(sizeMax * this.countMax);
  }

  get payloadBytes(): number {
    return this.#renderer.payloadBytes;
  }

  set payloadBytes(bytes: number) {
    this.#renderer.payloadBytes = bytes;
  }

  encode(count: number, ring: RequestRing | null): number {
    let at = 0;
    for (let i = 0; i < count; i++) {
      at = this.#renderer.write(this.bytes, at);
      if (ring !== null) ring.add(0, 0, 0);
    }
    if (this.isReading) this.readsCount += count;
    return at;
  }

  encodeFollowUp(): number {
    throw new RangeError("no follow-ups here");
  }
}
