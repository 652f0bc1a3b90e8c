/**
 * Drives a RequestParser as a connection does, for the tests and the fuzzer: pieces in, commands
 * out.
 *
 * Keeps the unfinished request, moves it to another place between two calls, and copies the
 * arguments out. Not for servers: makes strings of everything.
 */
import { assert } from "../base/assert.ts";
import { type ParseLimits, ParseStatus, RequestParser } from "./parser.ts";
import { PartialRequest } from "./partial-request.ts";
import type { SpecEnd, SpecResult } from "./spec.ts";

export const LIMITS: ParseLimits = {
  multibulkCountMax: 2 ** 31 - 1,
  bulkSizeMax: 512 * 1024 * 1024,
  inlineSizeMax: 64 * 1024,
  authenticated: true,
};

export class ParserDriver {
  readonly commands: string[][] = [];
  end: SpecEnd = "complete";
  readonly partial = new PartialRequest();
  readonly parser = new RequestParser();
  #kept = Buffer.alloc(0);
  #pieces = 0;

  constructor(
    readonly limits: ParseLimits = LIMITS,
    readonly commandsMax = 64,
  ) {}

  /** Gives the parser `piece` behind what was kept. Nothing more is read after an error. */
  feed(piece: Buffer): void {
    if (this.end.startsWith("error") || this.end === "security") return;
    // Another offset each time, as in a buffer that several requests have gone through.
    const margin = this.#pieces++ % 3;
    const bytes = Buffer.concat([Buffer.alloc(margin, "*"), this.#kept, piece, Buffer.from("*1")]);
    const end = bytes.length - 2;
    let at = margin;
    for (;;) {
      const status = this.parser.parse(bytes, at, end, this.limits, this.partial, this.commandsMax);
      this.#collect();
      assert(this.parser.consumed >= at, "consumed went back");
      assert(status !== ParseStatus.Full || this.parser.consumed > at, "a full batch of nothing");
      at = this.parser.consumed;
      if (status === ParseStatus.Full) continue;
      this.end = this.#endOf(status);
      break;
    }
    assert(this.end !== "complete" || (at === end && !this.partial.isActive), "complete, but not");
    this.#kept = Buffer.from(bytes.subarray(at, end));
  }

  get result(): SpecResult {
    return { commands: this.commands, end: this.end };
  }

  #endOf(status: ParseStatus): SpecEnd {
    if (status === ParseStatus.Error) return `error: ${this.parser.errorText}`;
    if (status === ParseStatus.SecurityClose) return "security";
    return status === ParseStatus.Complete ? "complete" : "incomplete";
  }

  #collect(): void {
    const { commandsCount, commandFirst, commandArgs, argStart, argLength, bytes } = this.parser;
    for (let i = 0; i < commandsCount; i++) {
      const args: string[] = [];
      const first = commandFirst[i] as number;
      for (let arg = first; arg < first + (commandArgs[i] as number); arg++) {
        const start = argStart[arg] as number;
        args.push(bytes.toString("latin1", start, start + (argLength[arg] as number)));
      }
      this.commands.push(args);
    }
  }
}

/** What the parser makes of `pieces`. */
export function parsePieces(
  pieces: readonly Buffer[],
  limits: ParseLimits = LIMITS,
  commandsMax = 64,
): SpecResult {
  const driver = new ParserDriver(limits, commandsMax);
  for (const piece of pieces) driver.feed(piece);
  return driver.result;
}
