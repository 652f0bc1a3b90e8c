/**
 * Measures the formats on the benchmark's payload: nanoseconds to encode, to decode, to check and
 * to read the id.
 *
 *      make bench-micro B=formats
 *
 * For work on one codec; `kv bench codec` gives the figures to show, in the executable and with one
 * process for each format. `CodecBench` with small parameters runs in the tests.
 */
import { bench, do_not_optimize, run, summary } from "mitata";
import type { ChatPayload, Format, FormatName } from "./format.ts";
import { FORMATS, findFormat } from "./formats.ts";
import { PayloadGenerator } from "./payload.ts";

const COMPRESSIBILITY = 0.5;

export class CodecBench {
  readonly #payloads: ChatPayload[];
  #turn = 0;
  /** Shows that the work was done. */
  checksum = 0;

  constructor(payloadsCount: number, dataSize: number) {
    const generator = new PayloadGenerator(1, dataSize, COMPRESSIBILITY);
    this.#payloads = Array.from({ length: payloadsCount }, () => generator.next());
  }

  next(): ChatPayload {
    this.#turn = (this.#turn + 1) % this.#payloads.length;
    return this.#payloads[this.#turn] as ChatPayload;
  }

  /** The payloads as `format` writes them, in turn. */
  inputs(format: Format): () => Buffer {
    const encoded = this.#payloads.map((payload) => format.encode(payload));
    let turn = 0;
    return () => {
      turn = (turn + 1) % encoded.length;
      return encoded[turn] as Buffer;
    };
  }

  /** Each operation once for each payload. */
  run(name: FormatName): void {
    const { format } = findFormat(name) as { format: Format };
    for (const payload of this.#payloads) {
      const bytes = format.encode(payload);
      if (!format.matches(bytes, payload)) throw new Error(`${name} does not match`);
      this.checksum += bytes.length + format.decode(bytes).data.length + format.readId(bytes);
    }
  }
}

if (import.meta.main) {
  const payloads = new CodecBench(64, 128);
  for (const operation of ["encode", "decode", "readId"] as const) {
    summary(() => {
      for (const format of FORMATS) {
        const input = payloads.inputs(format);
        const title = `${operation}, 128 characters: ${format.name}`;
        if (operation === "encode")
          bench(title, () => do_not_optimize(format.encode(payloads.next())));
        else bench(title, () => do_not_optimize(format[operation](input())));
      }
    });
  }
  await run();
  for (const { name } of FORMATS) payloads.run(name);
  console.log(`checksum ${payloads.checksum}`);
}
