/**
 * The context: everything that a running command can see. One per Worker, reused for every command.
 *
 * Dispatch sets `bytes`, `argStart`, `argLength` once per batch and `first`, `count`, `session`,
 * `commandName` per command; the handler reads its arguments through the helpers and appends one
 * reply to `out`.
 * Argument i lies at bytes[argStart[first + i]], for argLength[first + i] bytes; argument 0 is the
 * name. The bytes are the socket's and live until the handler returns: a handler that calls `defer`
 * copies what it needs first.
 *
 * Hot: start, length, is, integer, aim. They allocate nothing. Cold: text, int64, argument copies.
 */

import { assert } from "../base/assert.ts";
import { nanoseconds } from "../base/clock.ts";
import { parseInt64, parseSafeInteger } from "../base/number.ts";
import type { Settings } from "../base/settings.ts";
import { errorTexts } from "../resp/errors.ts";
import type { ReplyWriter } from "../resp/writer.ts";
import type { Cursor } from "../store/cursor.ts";
import type { Store } from "../store/store.ts";
import type { ServerContext } from "./server-context.ts";
import type { Session } from "./session.ts";

/** A reply that was not ready when the handler returned. */
export type DeferredReply = (out: ReplyWriter) => void;

export class Context {
  // ---- The arguments, set by dispatch ----
  bytes: Buffer = EMPTY;
  argStart: Int32Array = new Int32Array(0);
  argLength: Int32Array = new Int32Array(0);
  /** Index of argument 0 in argStart and argLength. */
  first = 0;
  /** Arguments, the name included. */
  count = 0;
  /** Full name of the running command, "client|id" for a subcommand. */
  commandName = "";
  /** The hash of argument 1, prepared while the batch was prefetched; valid when `hasKeyHash`. */
  keyHash = 0;
  hasKeyHash = false;

  // ---- Where it runs ----
  readonly store: Store;
  readonly server: ServerContext;
  readonly settings: Settings;
  out: ReplyWriter;
  /** Set by dispatch before any command runs. */
  session: Session;
  /** Wall clock in ms, the same for the whole batch. */
  nowMs = 0;

  // ---- What helpers and handlers leave behind ----
  /** The number that `integer` has parsed; the nearest double beyond ±2^53. */
  value = 0;
  /**
   * After a failed `resolve` (table.ts): Command.index of the command that was refused, -1 when
   * there is none.
   */
  rejectedIndex = -1;
  /**
   * What the running command writes is for the client as a subscriber: CLIENT REPLY does not drop
   * it.
   */
  isPush = false;
  /** When the running command is timed by itself: since when, monotonic ns; else 0. */
  timedFromNs = 0;
  /** Set by `defer`, taken and cleared by dispatch. */
  deferred: Promise<DeferredReply> | null = null;

  constructor(store: Store, server: ServerContext, out: ReplyWriter, session: Session) {
    this.store = store;
    this.server = server;
    this.settings = server.settings;
    this.out = out;
    this.session = session;
  }

  /** Offset of argument `i` in `bytes`. Hot. */
  start(i: number): number {
    return this.argStart[this.first + i] as number;
  }

  /** Length of argument `i` in bytes. Hot. */
  length(i: number): number {
    return this.argLength[this.first + i] as number;
  }

  /** Whether argument `i` is `word`, given in UPPER CASE; ASCII case does not matter. Hot. */
  is(i: number, word: string): boolean {
    const length = this.length(i);
    if (length !== word.length) return false;
    const start = this.start(i);
    for (let k = 0; k < length; k++) {
      let byte = this.bytes[start + k] as number;
      if (byte >= 0x61 && byte <= 0x7a) byte -= 32;
      if (byte !== word.charCodeAt(k)) return false;
    }
    return true;
  }

  /** Argument `i` as latin1 text: one character per byte, so nothing is lost. Cold. */
  text(i: number): string {
    const start = this.start(i);
    return this.bytes.toString("latin1", start, start + this.length(i));
  }

  /** Argument `i` in a private Buffer of its own. Cold: for what outlives the handler. */
  copyOf(i: number): Buffer {
    const start = this.start(i);
    const copy = Buffer.allocUnsafeSlow(this.length(i));
    this.bytes.copy(copy, 0, start, start + copy.length);
    return copy;
  }

  /**
   * Parses argument `i` as a 64-bit integer into `value`. False, with the error written, when it is
   * none. Beyond ±2^53 `value` is the nearest double: enough for indices, counts and limits;
   * arithmetic uses `int64`. Hot.
   */
  integer(i: number): boolean {
    if (this.parseInteger(i)) return true;
    this.out.error(errorTexts.notInteger);
    return false;
  }

  /** The same without the error: for commands with an error text of their own. Hot. */
  parseInteger(i: number): boolean {
    const start = this.start(i);
    const length = this.length(i);
    const value = parseSafeInteger(this.bytes, start, length);
    if (!Number.isNaN(value)) {
      this.value = value;
      return true;
    }
    const exact = parseInt64(this.bytes, start, length);
    if (exact === null) return false;
    this.value = Number(exact);
    return true;
  }

  /**
   * Argument `i` as an exact 64-bit integer, null when it is none (nothing is written). Cold:
   * allocates.
   */
  int64(i: number): bigint | null {
    return parseInt64(this.bytes, this.start(i), this.length(i));
  }

  /**
   * Points `cursor` at the key in argument `i`, in the session's database; returns it. Hot.
   * The hash comes from the prefetch when it is there.
   */
  aim(cursor: Cursor, i: number): Cursor {
    const at = this.first + i;
    const start = this.argStart[at] as number;
    const length = this.argLength[at] as number;
    const db = this.store.physical(this.session.db);
    cursor.bytes = this.bytes;
    cursor.keyStart = start;
    cursor.keyLength = length;
    cursor.db = db;
    cursor.hash =
      i === 1 && this.hasKeyHash ? this.keyHash : this.store.hash(this.bytes, start, length);
    return cursor;
  }

  /** The same in the logical database `db` (MOVE, COPY ... DB). */
  aimIn(cursor: Cursor, i: number, db: number): Cursor {
    const physical = this.store.physical(db);
    cursor.bytes = this.bytes;
    cursor.keyStart = this.start(i);
    cursor.keyLength = this.length(i);
    cursor.db = physical;
    cursor.hash = this.store.hash(this.bytes, cursor.keyStart, cursor.keyLength);
    return cursor;
  }

  /**
   * The running command is to be timed by itself, from now on. Called by dispatch, or by a handler
   * that is about to do much (CommandSpec.timesItself); again, it does nothing.
   */
  startTimer(): void {
    if (this.timedFromNs === 0) this.timedFromNs = nanoseconds();
  }

  /**
   * The reply comes later: `promise` gives the function that writes it. The connection runs nothing
   * else until then. The handler must not have written anything, and the promise must not reject.
   */
  defer(promise: Promise<DeferredReply>): void {
    assert(this.deferred === null, "a command defers once");
    this.deferred = promise;
  }
}

const EMPTY = Buffer.allocUnsafeSlow(0);
