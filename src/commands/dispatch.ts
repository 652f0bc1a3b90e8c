/**
 * Dispatch: runs the commands of a parsed batch, each to one reply in the Worker's writer.
 *
 *      net/connection                     dispatch                                    handlers
 *      parse a batch  --->  run: names and hashes -> touch buckets -> touch records
 *                                -> per command: gate, arity, run, count   --->   c.out
 *      one write      <---  number of commands done
 *
 * The touching reads what the commands are about to need, for all of them, in short loops without
 * branches between: the cache misses of a batch overlap. (1 M keys at depth 50: 1.0 µs a GET
 * without, 0.5 µs with it.)
 *
 * Most commands of most sessions take the short way: one test of the command's gates, the arity,
 * the handler. Whatever is not ordinary (a subcommand, NOAUTH, OOM, a slow command to be timed,
 * CLIENT REPLY, an unknown name) takes `#runGated`, which does everything in the order of Redis.
 *
 * `run` stops early, and says how far it came, when the writer is full, the session is to be
 * closed, or the reply is deferred; the caller sees to that and calls again. Between enterBatch and
 * leaveBatch nothing waits.
 *
 * Time: one clock read before and one behind a batch; the commands in it that take constant time
 * share it. The others are timed one by one, and so is every command while the slow log asks for
 * less than a millisecond. Some say themselves when a call is a long one (`Context.startTimer`):
 * two clock reads and the long way would be 7 % of a pipelined LPUSH and LTRIM. Not here: sockets,
 * the order of replies when one is deferred (net/connection.ts).
 */
import { assert } from "../base/assert.ts";
import { clock, nanoseconds } from "../base/clock.ts";
import { BATCH_COMMANDS_MAX, WRITER_FLUSH_SIZE } from "../base/limits.ts";
import { CommandStat, Stat } from "../base/server-stats.ts";
import { errorTexts, logFull, subscribedContext } from "../resp/errors.ts";
import type { RequestParser } from "../resp/parser.ts";
import type { ReplyWriter } from "../resp/writer.ts";
import type { Store } from "../store/store.ts";
import { Context } from "./context.ts";
import { NameMemo } from "./name-memo.ts";
import { type Command, registry } from "./registry.ts";
import type { ServerContext } from "./server-context.ts";
import { ReplyMode, Session } from "./session.ts";
import { resolve } from "./table.ts";

/** Why a command may not take the short way. A command has some, a batch asks for some. */
const enum Gate {
  /** Needs a password when there is one. */
  Auth = 1,
  /** Refused while memory is over the limit and nothing can be evicted. */
  Oom = 2,
  /** Timed by itself. */
  Timed = 4,
  /** May change the session or the server under the running batch, or has subcommands. */
  Special = 8,
  /** Every command. */
  All = 16,
  /** Refused while a RESP2 client is subscribed to anything. */
  Unsubscribed = 32,
}

/** What a RESP2 client that is subscribed may run. */
const RUN_SUBSCRIBED: ReadonlySet<string> = new Set([
  "ping",
  "subscribe",
  "unsubscribe",
  "psubscribe",
  "punsubscribe",
  "ssubscribe",
  "sunsubscribe",
  "quit",
  "reset",
]);
const MINUS = 0x2d;
/** Below this threshold of the slow log, the shared time of a batch is too coarse. */
const SLOWLOG_COARSE_US = 1000;
const NS_PER_US = 1000;

export class Dispatcher {
  /** What handlers see. `deferred` is for the caller to take after `run`. */
  readonly context: Context;
  readonly #parser: RequestParser;
  readonly #out: ReplyWriter;
  readonly #store: Store;
  readonly #server: ServerContext;
  readonly #own: Float64Array;
  readonly #memo = new NameMemo(registry.lookup);
  /** Gates by Command.index. */
  readonly #gates: Uint8Array;

  // ---- The batch, set by #prepare ----
  /** null: unknown name, or already counted. */
  readonly #commands: (Command | null)[] = new Array(BATCH_COMMANDS_MAX).fill(null);
  /** Hash of argument 1, where it is a key. */
  readonly #hashes = new Int32Array(BATCH_COMMANDS_MAX);
  readonly #isHashed = new Uint8Array(BATCH_COMMANDS_MAX);
  /** The hashes without gaps, for the prefetch, and room for it to work in. */
  readonly #touched = new Int32Array(BATCH_COMMANDS_MAX);
  readonly #scratch = new Int32Array(BATCH_COMMANDS_MAX);

  // ---- The run ----
  /** Time of commands that were timed by themselves, not to be shared. */
  #timedNs = 0;

  constructor(server: ServerContext, parser: RequestParser, out: ReplyWriter) {
    const { store } = server;
    this.#store = store;
    this.#server = server;
    this.#parser = parser;
    this.#out = out;
    this.#own = server.stats.own;
    // Replaced before the first command runs.
    const nobody = new Session(1, "", "", true, 0);
    this.context = new Context(store, server, out, nobody);
    this.#gates = Uint8Array.from(registry.all, gatesOf);
    assert(this.#gates.length > 0, "the command table is filled");
  }

  /**
   * Runs the parsed commands from number `from` on; returns the number of the first one that was
   * not run. That is fewer than all of them when: the writer holds more than WRITER_FLUSH_SIZE;
   * `context.deferred` is set; the session wants to be closed. Hot: once per batch.
   */
  run(session: Session, from: number): number {
    const c = this.context;
    const parser = this.#parser;
    const out = this.#out;
    c.session = session;
    c.bytes = parser.bytes;
    c.argStart = parser.argStart;
    c.argLength = parser.argLength;
    out.resp3 = session.protocol === 3;
    this.#store.leavesAccess = session.noTouch;
    const startNs = clock.tick();
    c.nowMs = clock.nowMs;
    session.lastActiveMs = clock.nowMs;
    this.#timedNs = 0;
    this.#store.enterBatch();
    if (from === 0) this.#prepare(parser.commandsCount);
    const next = this.#runCommands(session, from, parser.commandsCount);
    this.#store.leaveBatch();
    this.#count(session, from, next, nanoseconds() - startNs - this.#timedNs);
    return next;
  }

  /** Writes the reply of a deferred command, as CLIENT REPLY wants it. */
  writeDeferred(session: Session, write: (out: ReplyWriter) => void): void {
    const out = this.#out;
    const mark = out.length;
    out.resp3 = session.protocol === 3;
    this.context.isPush = false;
    write(out);
    if (out.length > mark && out.bytes[mark] === MINUS) {
      this.#server.stats.noteError(out.bytes, mark);
    }
    this.#applyReplyMode(session, mark);
  }

  /** Looks up all names, hashes all keys, touches what the commands will need. Hot. */
  #prepare(count: number): void {
    const parser = this.#parser;
    const { bytes, argStart, argLength, commandFirst, commandArgs } = parser;
    const memo = this.#memo;
    const store = this.#store;
    const commands = this.#commands;
    const isHashed = this.#isHashed;
    const hashes = this.#hashes;
    const touched = this.#touched;
    let touchedCount = 0;
    let touchedLast = 0;
    for (let i = 0; i < count; i++) {
      const first = commandFirst[i] as number;
      const command = memo.find(bytes, argStart[first] as number, argLength[first] as number);
      commands[i] = command;
      if (command !== null && command.keyFirst === 1 && (commandArgs[i] as number) > 1) {
        const key = first + 1;
        const hash = store.hash(bytes, argStart[key] as number, argLength[key] as number);
        hashes[i] = hash;
        isHashed[i] = 1;
        if (hash === touchedLast) continue;
        touchedLast = hash;
        touched[touchedCount++] = hash;
      } else isHashed[i] = 0;
    }
    if (touchedCount > 1) store.prefetch(touched, this.#scratch, touchedCount);
  }

  /**
   * Hot: the loop over the commands of a batch. No closures, no allocation; what is rare is in
   * #runGated.
   */
  #runCommands(session: Session, from: number, count: number): number {
    const c = this.context;
    const out = this.#out;
    const { commandFirst, commandArgs } = this.#parser;
    const commands = this.#commands;
    const gates = this.#gates;
    let asked = this.#askedGates(session);
    const isLimited = this.#server.settings.maxmemoryBytes > 0;
    const isLogFull = this.#store.isLogFull();
    for (let i = from; i < count; i++) {
      const command = commands[i] as Command | null;
      c.first = commandFirst[i] as number;
      c.count = commandArgs[i] as number;
      c.keyHash = this.#hashes[i] as number;
      c.hasKeyHash = this.#isHashed[i] === 1;
      if (
        command !== null &&
        ((gates[command.index] as number) & asked) === 0 &&
        (command.arity >= 0 ? c.count === command.arity : c.count >= -command.arity) &&
        !(isLogFull && command.isWrite) &&
        !(isLimited && command.isDenyOom && !this.#store.admitWrites())
      ) {
        const mark = out.length;
        c.commandName = command.name;
        command.run(c);
        if (c.timedFromNs !== 0) this.#endTimer(session, command, i);
        if (out.length > mark && out.bytes[mark] === MINUS) this.#noteFailure(command, mark);
      } else {
        this.#runGated(session, i);
        asked = this.#askedGates(session);
      }
      if (out.length >= WRITER_FLUSH_SIZE || c.deferred !== null || mustClose(session)) {
        return i + 1;
      }
    }
    return count;
  }

  /** The long way, in the order of Redis: existence, arity, password, memory, then the handler. */
  #runGated(session: Session, i: number): void {
    const c = this.context;
    const out = this.#out;
    if (session.replyMode === ReplyMode.SkipNext) session.replyMode = ReplyMode.Skip;
    const mark = out.length;
    c.isPush = false;
    const command = resolve(c);
    // Counted here when it was refused or timed; otherwise with the batch, under its full name.
    this.#commands[i] = null;
    if (command === null) {
      if (out.length > mark) this.#noteRejection(c.rejectedIndex, mark);
    } else if (this.#isRefused(session, command)) this.#noteRejection(command.index, mark);
    else {
      session.lastCommand = command.name;
      c.commandName = command.name;
      const isTimed = ((this.#gates[command.index] as number) & this.#timedGates()) !== 0;
      if (isTimed) c.startTimer();
      command.run(c);
      if (c.timedFromNs !== 0) this.#endTimer(session, command, i);
      else this.#commands[i] = command;
      if (out.length > mark && out.bytes[mark] === MINUS) this.#noteFailure(command, mark);
    }
    if (c.deferred === null) this.#applyReplyMode(session, mark);
  }

  /** Command `i` of the batch has been timed by itself: counts it now. */
  #endTimer(session: Session, command: Command, i: number): void {
    const c = this.context;
    const spentNs = nanoseconds() - c.timedFromNs;
    c.timedFromNs = 0;
    this.#timedNs += spentNs;
    const base = this.#server.stats.commandBase(command.index);
    const spentUs = spentNs / NS_PER_US;
    this.#add(base + CommandStat.Calls, 1);
    this.#add(base + CommandStat.Microseconds, spentUs);
    this.#server.slowlog.note(c, spentUs);
    session.lastCommand = command.name;
    this.#commands[i] = null;
  }

  /** Whether the session may not run it now; the error has been written then. */
  #isRefused(session: Session, command: Command): boolean {
    const gates = this.#gates[command.index] as number;
    if (!session.isAuthenticated && (gates & Gate.Auth) !== 0) {
      this.#out.error(errorTexts.noAuth);
      return true;
    }
    if (command.isWrite && this.#store.isLogFull()) {
      this.#out.error(logFull(this.#store.durability?.fullReason() ?? ""));
      return true;
    }
    if ((gates & Gate.Oom) !== 0 && !this.#store.admitWrites()) {
      this.#out.error(errorTexts.outOfMemory);
      return true;
    }
    if ((gates & Gate.Unsubscribed) !== 0 && session.subscriber?.isLimited === true) {
      this.#out.error(subscribedContext(command.name));
      return true;
    }
    return false;
  }

  /** Drops the reply behind `mark` when the client asked for none. */
  #applyReplyMode(session: Session, mark: number): void {
    if (session.replyMode === ReplyMode.On) return;
    if (!this.context.isPush) this.#out.length = mark;
    if (session.replyMode === ReplyMode.Skip) session.replyMode = ReplyMode.On;
  }

  #askedGates(session: Session): number {
    let asked: number = Gate.Special | this.#timedGates();
    if (!session.isAuthenticated) asked |= Gate.Auth;
    if (session.replyMode !== ReplyMode.On) asked |= Gate.All;
    if (session.subscriber?.isLimited === true) asked |= Gate.Unsubscribed;
    return asked;
  }

  /** The gates that mean: time it by itself. */
  #timedGates(): number {
    const thresholdUs = this.#server.settings.slowlogThresholdUs;
    return thresholdUs >= 0 && thresholdUs < SLOWLOG_COARSE_US ? Gate.Timed | Gate.All : Gate.Timed;
  }

  /**
   * Counts what `run` did: calls of each command, and the time that they share. Hot: once per
   * batch.
   */
  #count(session: Session, from: number, next: number, sharedNs: number): void {
    const commands = this.#commands;
    const stats = this.#server.stats;
    const count = next - from;
    if (count === 0) return;
    session.commandsCount += count;
    this.#add(Stat.CommandsProcessed, count);
    const shareUs = sharedNs / count / NS_PER_US;
    let streak = 0;
    for (let i = from; i < next; i++) {
      const command = commands[i] as Command | null;
      if (command === null) continue;
      streak++;
      if (i + 1 < next && commands[i + 1] === command) continue;
      const base = stats.commandBase(command.index);
      this.#add(base + CommandStat.Calls, streak);
      this.#add(base + CommandStat.Microseconds, shareUs * streak);
      streak = 0;
      if (i + 1 === next) session.lastCommand = command.name;
    }
  }

  #noteFailure(command: Command, mark: number): void {
    this.#server.stats.noteError(this.#out.bytes, mark);
    this.#add(this.#server.stats.commandBase(command.index) + CommandStat.Failed, 1);
  }

  #noteRejection(commandIndex: number, mark: number): void {
    this.#server.stats.noteError(this.#out.bytes, mark);
    if (commandIndex < 0) return;
    this.#add(this.#server.stats.commandBase(commandIndex) + CommandStat.Rejected, 1);
  }

  #add(column: number, n: number): void {
    this.#own[column] = (this.#own[column] as number) + n;
  }
}

/** Whether nothing more of this session may be run. */
function mustClose(session: Session): boolean {
  return session.closeAfterReply || session.isKilled;
}

function gatesOf(command: Command): number {
  const { flags, group, complexity } = command.spec;
  let gates: number = Gate.All;
  if (!command.isNoAuth) gates |= Gate.Auth;
  if (command.isDenyOom) gates |= Gate.Oom;
  // SET and its kind are not "fast" to Redis, but take the same time whatever they are given.
  const isShort = flags.includes("fast") || complexity.startsWith("O(1)");
  if (!isShort && command.spec.timesItself !== true) gates |= Gate.Timed;
  if (!RUN_SUBSCRIBED.has(command.name)) gates |= Gate.Unsubscribed;
  if (group === "pubsub" && !flags.includes("fast")) gates |= Gate.Special;
  if (command.subcommands !== null || group === "connection" || group === "server") {
    gates |= Gate.Special;
  }
  return gates;
}
