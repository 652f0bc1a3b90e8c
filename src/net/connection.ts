/**
 * One client connection: bytes in -> batches -> one write out.
 *
 *      data -> [input] -> parse -> dispatch.run -> writer -> socket.write <- messages of pub/sub
 *                 ^                                            | short
 *                 '------- drain <---- [output queue] <--------'
 *
 * What one read brought is parsed where it lies (the chunk is only valid during the callback); only
 * the rest of an unfinished request is copied to `input`. All replies of a read go out in one
 * write.
 *
 *      Open --- nothing blocked: what arrives is run at once
 *       |       Output:   a write was short. Nothing is parsed, and the socket is not read, until
 *       |                 the queue is sent.
 *       |       Deferred: a command replies later. Nothing is run; a little input is still taken.
 *       |       Durable:  replies wait until the changes are durable enough. The same.
 *       v
 *      Lingering   our side is shut down, input is dropped, the client's side is waited for
 *       |          (CLOSE_LINGER_MS)
 *       v
 *      Closed
 *
 * Invariants: the writer is shared by the connections of a Worker, so it is empty whenever a
 * callback returns. While something blocks, no command of this connection runs, so replies keep the
 * order of the requests. Limits: query buffer, output (hard, soft, stalled) and idle time are
 * looked after here and in `check`.
 *
 * A chunk is freed when it has been run: left to the collector, pipelined SETs on a server of 1,000
 * keys took it to 380 MB and every read to cold pages (0.63 µs a SET; now 95 MB and 0.48 µs).
 *
 * Measured of Bun 1.4.5: pause() stops reads at once and drain still comes; a paused socket does
 * not tell that the client has closed its side until it is resumed, a reset it tells; end() closes
 * both sides; a negative result of write() is a dead socket whatever the number; drain also comes
 * when there is nothing to send.
 */
import type { Socket } from "bun";
import { BUFFER_SIZE_MAX } from "../base/byte-buffer.ts";
import { clock } from "../base/clock.ts";
import { freeBytes } from "../base/free-bytes.ts";
import {
  BATCH_COMMANDS_MAX,
  BUFFER_IDLE_MS,
  CLOSE_LINGER_MS,
  INPUT_AHEAD_SIZE_MAX,
  OUTPUT_COPY_SIZE_MAX,
  UNAUTHENTICATED_IDLE_MS,
  UNAUTHENTICATED_OUTPUT_SIZE_MAX,
  UNAUTHENTICATED_QUERY_SIZE_MAX,
  WRITER_FLUSH_SIZE,
  WRITER_KEEP_SIZE_MAX,
  WRITER_SIZE,
} from "../base/limits.ts";
import type { Log } from "../base/log.ts";
import { Stat } from "../base/server-stats.ts";
import type { Settings } from "../base/settings.ts";
import type { DeferredReply } from "../commands/context.ts";
import type { Dispatcher } from "../commands/dispatch.ts";
import type { Session } from "../commands/session.ts";
import type { Sink } from "../pubsub/subscriber.ts";
import { type ParseLimits, ParseStatus, type RequestParser } from "../resp/parser.ts";
import { PartialRequest } from "../resp/partial-request.ts";
import type { ReplyWriter } from "../resp/writer.ts";
import type { Acknowledgements } from "./acknowledgements.ts";
import { InputBuffer } from "./input-buffer.ts";
import { OutputQueue } from "./output-queue.ts";

/** What the connections of one Worker share. */
export interface ConnectionHost {
  readonly dispatcher: Dispatcher;
  readonly parser: RequestParser;
  readonly out: ReplyWriter;
  readonly limits: ParseLimits;
  readonly settings: Settings;
  /** This Worker's row of the counters. */
  readonly own: Float64Array;
  readonly log: Log;
  /** null in memory mode: nothing has to wait. */
  readonly acknowledgements: Acknowledgements | null;
  /** Told once, when the connection is closed. */
  closed(connection: Connection): void;
  /** Told when nothing more will be sent, which is at the latest when the connection is closed. */
  unsubscribe(session: Session): void;
}

export type ClientSocket = Socket<Connection | null>;

const enum Block {
  Output = 1,
  Deferred = 2,
  Durable = 4,
}

const enum State {
  Open,
  Lingering,
  Closed,
}

const MS_PER_S = 1000;

export class Connection implements Sink {
  readonly session: Session;
  readonly #host: ConnectionHost;
  readonly #socket: ClientSocket;
  readonly #partial = new PartialRequest();
  readonly #input = new InputBuffer();
  readonly #output = new OutputQueue();
  #state: State = State.Open;
  /** Block.* bits. */
  #blocked = 0;
  #isPaused = false;
  /** The client has shut down its side: nothing more comes, but it still reads. */
  #hasEnded = false;
  /** When the output queue was last made shorter, or begun; ms. */
  #lastTakenMs = 0;
  /** Since when the queue has been above the soft limit, 0 when it is not; ms. */
  #softSinceMs = 0;
  #lingerUntilMs = 0;
  /** Stamp of the last change whose reply is not sent yet, 0 for none. */
  #writtenStamp = 0;
  /** Pieces of reply that are held until then. */
  #heldCount = 0;

  constructor(host: ConnectionHost, socket: ClientSocket, session: Session) {
    this.#host = host;
    this.#socket = socket;
    this.session = session;
  }

  // ---- Socket events ----

  /** Bytes from the client; `chunk` is valid only during the call. Hot: once per read. */
  data(chunk: Buffer): void {
    const own = this.#host.own;
    own[Stat.ReadsProcessed] = (own[Stat.ReadsProcessed] as number) + 1;
    own[Stat.BytesIn] = (own[Stat.BytesIn] as number) + chunk.length;
    this.session.bytesIn += chunk.length;
    this.session.lastActiveMs = clock.nowMs;
    if (this.#state !== State.Open) return;
    if (this.#blocked === 0 && this.#input.length === 0) {
      const consumed = this.#run(chunk, chunk.length);
      if (consumed < chunk.length) this.#keep(chunk, consumed);
      freeBytes(chunk);
    } else {
      this.#keep(chunk, 0);
      freeBytes(chunk);
      if (this.#blocked === 0) this.#runInput();
    }
  }

  /** The socket takes bytes again. Also comes when nothing was waiting. */
  drain(): void {
    if (this.#output.size === 0 || this.#state === State.Closed) return;
    if ((this.#blocked & Block.Durable) !== 0) return;
    this.#sendQueue();
    if (this.#output.size === 0) this.#unblock(Block.Output);
  }

  /** The changes whose replies were held are durable enough: sends them. */
  release(bytes: Buffer, start: number, end: number): void {
    if (--this.#heldCount > 0 || this.#output.size > 0) {
      if (this.#state === State.Open) this.#output.add(bytes, start, end - start);
    } else if (this.#state === State.Open) this.#send(bytes, start, end);
    if (this.#heldCount > 0 || this.#state !== State.Open) return;
    this.#writtenStamp = 0;
    if (this.#output.size > 0) {
      this.#sendQueue();
      if (this.#output.size > 0) {
        this.#blocked |= Block.Output;
        this.#pause();
      }
    }
    this.#unblock(Block.Durable);
  }

  /** Sends held bytes; what the socket does not take goes to the queue. */
  #send(bytes: Buffer, start: number, end: number): void {
    const own = this.#host.own;
    const taken = this.#socket.write(bytes, start, end - start);
    if (taken < 0) {
      this.#socket.terminate();
      return;
    }
    own[Stat.WritesProcessed] = (own[Stat.WritesProcessed] as number) + 1;
    own[Stat.BytesOut] = (own[Stat.BytesOut] as number) + taken;
    this.session.bytesOut += taken;
    if (start + taken === end) return;
    this.#lastTakenMs = clock.nowMs;
    this.#output.add(bytes, start + taken, end - start - taken);
  }

  /** The client has shut down its side: what it sent is answered, then the connection is closed. */
  end(): void {
    this.#hasEnded = true;
    if (this.#state === State.Lingering || this.#blocked === 0) this.#socket.end();
  }

  /** The socket is gone. */
  close(): void {
    if (this.#state === State.Closed) return;
    this.#state = State.Closed;
    this.#input.release();
    this.#output.clear();
    this.#host.closed(this);
  }

  // ---- From outside ----

  /** CLIENT KILL, the end of the process: closes now. What is queued is dropped. */
  kill(): void {
    this.session.isKilled = true;
    this.#host.unsubscribe(this.session);
    this.#socket.end();
  }

  /** Bytes held for this client. */
  get memoryBytes(): number {
    return this.#input.bytes.length + this.#output.bytes.length;
  }

  /** Called once a second: timeouts, and memory that an idle connection does not need. */
  check(nowMs: number): void {
    if (this.#state === State.Lingering) {
      if (nowMs >= this.#lingerUntilMs) this.#socket.end();
      return;
    }
    const idleMs = nowMs - this.session.lastActiveMs;
    if (this.#output.size > 0) this.#checkOutput(nowMs);
    else if (this.#isIdleTooLong(idleMs)) this.#socket.end();
    else if (idleMs >= BUFFER_IDLE_MS) this.#input.trim();
    this.#showBuffers();
  }

  // ---- Running ----

  /**
   * Runs the requests in bytes[0, end) and sends their replies. Returns how many bytes are done
   * with; the rest is an unfinished request, or what may not run yet. Hot: once per read.
   */
  #run(bytes: Buffer, end: number): number {
    const { parser, dispatcher, limits } = this.#host;
    const session = this.session;
    let at = 0;
    for (;;) {
      limits.authenticated = session.isAuthenticated;
      const status = parser.parse(bytes, at, end, limits, this.#partial, BATCH_COMMANDS_MAX);
      const count = parser.commandsCount;
      for (let next = 0; next < count; ) {
        next = dispatcher.run(session, next);
        if (!this.#settle()) {
          // The rest is parsed again later, from a command's first byte on.
          this.#partial.reset();
          return next < count ? (parser.commandEnd[next - 1] as number) : parser.consumed;
        }
      }
      at = parser.consumed;
      if (status === ParseStatus.Full) continue;
      if (status === ParseStatus.Error || status === ParseStatus.SecurityClose) {
        this.#refuse(status);
        return end;
      }
      this.#flush();
      return at;
    }
  }

  /**
   * Sees to what a run has left behind. False: nothing more may be run for now. Hot: once per
   * batch.
   */
  #settle(): boolean {
    const { dispatcher, out, acknowledgements } = this.#host;
    if (acknowledgements !== null) {
      const stamp = acknowledgements.writtenStamp();
      if (stamp !== 0) this.#writtenStamp = stamp;
    }
    const context = dispatcher.context;
    const deferred = context.deferred;
    if (out.isOverflown) {
      context.deferred = null;
      this.#dropReply();
      return false;
    }
    if (deferred !== null) {
      context.deferred = null;
      this.#defer(deferred);
      return false;
    }
    if (this.session.isKilled || this.session.closeAfterReply) {
      this.#flush();
      this.#closeWhenSent();
      return false;
    }
    return out.length < WRITER_FLUSH_SIZE || this.#flush();
  }

  /** What is in `input`, when nothing blocks. */
  #runInput(): void {
    const input = this.#input;
    const consumed = this.#run(input.bytes, input.length);
    if (this.#state === State.Open) input.discard(consumed);
    else input.release();
  }

  #defer(promise: Promise<DeferredReply>): void {
    this.#flush();
    this.#blocked |= Block.Deferred;
    this.#host.own[Stat.ClientsBlocked] = (this.#host.own[Stat.ClientsBlocked] as number) + 1;
    void promise.then((write) => this.#complete(write));
  }

  /** The deferred reply is there. */
  #complete(write: DeferredReply): void {
    const { dispatcher, out, own } = this.#host;
    own[Stat.ClientsBlocked] = (own[Stat.ClientsBlocked] as number) - 1;
    if (this.#state !== State.Open) return;
    dispatcher.writeDeferred(this.session, write);
    if (this.#output.size === 0) this.#flush();
    else {
      // Something blocks already: it goes out behind what waits.
      this.#output.add(out.bytes, 0, out.length);
      out.length = 0;
    }
    this.#unblock(Block.Deferred);
  }

  /** `reason` blocks no longer: goes on with what has arrived meanwhile. */
  #unblock(reason: Block): void {
    this.#blocked &= ~reason;
    if (this.#blocked !== 0 || this.#state !== State.Open) return;
    if (this.session.closeAfterReply || this.session.isKilled) {
      this.#closeWhenSent();
      return;
    }
    if (this.#input.length > 0) this.#runInput();
    if (this.#blocked !== 0 || this.#state !== State.Open) return;
    if (this.#hasEnded) this.#socket.end();
    else if (this.#isPaused) {
      this.#isPaused = false;
      this.#socket.resume();
    }
  }

  /** A request that is none: what came before it has been answered; says why, and closes. */
  #refuse(status: ParseStatus): void {
    const { parser, out, log } = this.#host;
    if (status === ParseStatus.SecurityClose) {
      log.warn(`client ${this.session.id} at ${this.session.address} speaks HTTP: closed`);
    } else out.error(parser.errorText);
    this.session.closeAfterReply = true;
    this.#flush();
    this.#closeWhenSent();
  }

  // ---- Input ----

  /** Keeps chunk[from...] until the rest of the request arrives, or until it may run. */
  #keep(chunk: Buffer, from: number): void {
    if (this.#state !== State.Open) return;
    const input = this.#input;
    input.append(chunk, from);
    const { settings, own } = this.#host;
    const sizeMax = this.session.isAuthenticated
      ? settings.queryBufferSizeMax
      : Math.min(settings.queryBufferSizeMax, UNAUTHENTICATED_QUERY_SIZE_MAX);
    if (input.length > sizeMax) {
      own[Stat.QueryLimitDisconnections] = (own[Stat.QueryLimitDisconnections] as number) + 1;
      this.#cutOff(`query buffer of ${input.length} bytes is above its limit`);
    } else if (this.#blocked !== 0 && input.length > INPUT_AHEAD_SIZE_MAX) this.#pause();
  }

  #pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#socket.pause();
  }

  // ---- Output ----

  /**
   * Sends what is in the writer and empties it. False: the socket did not take all of it, or is
   * gone. Hot.
   */
  #flush(): boolean {
    const { out } = this.#host;
    const length = out.length;
    if (length === 0) return this.#state === State.Open;
    if (this.#writtenStamp !== 0 && this.#mustHold()) return false;
    out.length = 0;
    if (this.#state === State.Closed) return false;
    const taken = this.#socket.write(out.bytes, 0, length);
    if (taken < 0) {
      this.#socket.terminate();
      return false;
    }
    this.#countSent(taken);
    if (taken < length) {
      this.#enqueue(taken, length);
      return false;
    }
    if (out.bytes.length > WRITER_KEEP_SIZE_MAX) out.shrink(WRITER_SIZE);
    return this.#state === State.Open;
  }

  /** Keeps what is in the writer when the changes behind it are not durable enough yet. */
  #mustHold(): boolean {
    const { out, acknowledgements } = this.#host;
    const stamp = this.#writtenStamp;
    // Nothing overtakes what is held already.
    const isHeld = this.#heldCount > 0;
    if (acknowledgements === null || !(isHeld || acknowledgements.mustHold(stamp))) {
      this.#writtenStamp = 0;
      return false;
    }
    this.#blocked |= Block.Durable;
    this.#heldCount++;
    acknowledgements.hold(this, stamp, out.bytes, out.length);
    out.length = 0;
    return true;
  }

  /** The socket has not taken [from, to) of the writer: queues it and stops reading. */
  #enqueue(from: number, to: number): void {
    const out = this.#host.out;
    if (this.#output.size === 0 && to - from > OUTPUT_COPY_SIZE_MAX) {
      this.#output.adopt(out.bytes, from, to);
      out.bytes = Buffer.allocUnsafeSlow(WRITER_SIZE);
    } else this.#output.add(out.bytes, from, to - from);
    this.#blockOutput();
  }

  /** Something is queued: nothing more is read until it is sent. */
  #blockOutput(): void {
    if ((this.#blocked & Block.Output) === 0) this.#lastTakenMs = clock.nowMs;
    this.#blocked |= Block.Output;
    this.#pause();
    this.#checkOutput(clock.nowMs);
  }

  #countSent(taken: number): void {
    const { own } = this.#host;
    own[Stat.WritesProcessed] = (own[Stat.WritesProcessed] as number) + 1;
    own[Stat.BytesOut] = (own[Stat.BytesOut] as number) + taken;
    this.session.bytesOut += taken;
  }

  #sendQueue(): void {
    const output = this.#output;
    const taken = this.#socket.write(output.bytes, output.start, output.size);
    if (taken < 0) {
      this.#socket.terminate();
      return;
    }
    this.#countSent(taken);
    if (taken === 0) return;
    clock.tick();
    this.#lastTakenMs = clock.nowMs;
    output.take(taken);
  }

  /** One reply was larger than the writer may become: it cannot be sent, nor anything behind it. */
  #dropReply(): void {
    const { out, own } = this.#host;
    out.isOverflown = false;
    out.shrink(WRITER_SIZE);
    own[Stat.OutputLimitDisconnections] = (own[Stat.OutputLimitDisconnections] as number) + 1;
    this.#cutOff(`a reply is above ${out.sizeMax} bytes`);
  }

  /** Cuts off a client that does not read. */
  #checkOutput(nowMs: number): void {
    const { settings, own } = this.#host;
    const size = this.#output.size;
    const limit = this.session.isSubscribed ? settings.outputPubsub : settings.outputNormal;
    const { hardBytes, softBytes, softSeconds } = limit;
    const isSoft = softBytes > 0 && size > softBytes;
    if (!isSoft) this.#softSinceMs = 0;
    else if (this.#softSinceMs === 0) this.#softSinceMs = nowMs;
    const isOver =
      (hardBytes > 0 && size > hardBytes) ||
      (isSoft && nowMs - this.#softSinceMs >= softSeconds * MS_PER_S) ||
      (!this.session.isAuthenticated && size > UNAUTHENTICATED_OUTPUT_SIZE_MAX);
    const stallSeconds = settings.outputStallSeconds;
    const isStalled = stallSeconds > 0 && nowMs - this.#lastTakenMs >= stallSeconds * MS_PER_S;
    if (!isOver && !isStalled) return;
    own[Stat.OutputLimitDisconnections] = (own[Stat.OutputLimitDisconnections] as number) + 1;
    const why = isOver ? "are above the output limit" : `have not moved for ${stallSeconds} s`;
    this.#cutOff(`${size} reply bytes ${why}`);
  }

  // ---- Messages of pub/sub ----

  /** Queues bytes that `send` follows in the same turn. */
  hold(bytes: Buffer, start: number, length: number): void {
    if (!this.#takesMessages()) return;
    if (this.#output.size + length > this.#outputSizeMax()) this.#cutOffAt(length);
    else this.#output.add(bytes, start, length);
  }

  /**
   * Sends what is held and then bytes[start, start + length); what the socket does not take is
   * queued, up to the output limit. Hot: once per subscriber and turn.
   */
  send(bytes: Buffer, start: number, length: number): void {
    if (!this.#takesMessages()) return;
    if (this.#output.size > 0) {
      this.hold(bytes, start, length);
      if (!this.session.isKilled) this.#sendHeld();
      return;
    }
    const taken = this.#socket.write(bytes, start, length);
    if (taken < 0) {
      this.#socket.terminate();
      return;
    }
    this.#countSent(taken);
    if (taken === length) return;
    this.hold(bytes, start + taken, length - taken);
    if (!this.session.isKilled) this.#blockOutput();
  }

  /** The queue holds what `hold` has added: sends it, unless the socket is known to be full. */
  #sendHeld(): void {
    if ((this.#blocked & Block.Output) === 0) {
      this.#sendQueue();
      if (this.#output.size === 0 || this.#state !== State.Open) return;
    }
    this.#blockOutput();
  }

  #takesMessages(): boolean {
    const { session } = this;
    return this.#state === State.Open && !session.isKilled && !session.closeAfterReply;
  }

  /** Bytes that may wait: a message that would be cut off is not copied first. */
  #outputSizeMax(): number {
    const { hardBytes } = this.#host.settings.outputPubsub;
    return hardBytes > 0 ? hardBytes : BUFFER_SIZE_MAX;
  }

  #cutOffAt(length: number): void {
    const { own } = this.#host;
    own[Stat.OutputLimitDisconnections] = (own[Stat.OutputLimitDisconnections] as number) + 1;
    this.#cutOff(`${this.#output.size + length} message bytes are above the output limit`);
  }

  // ---- Closing ----

  /** Closes at once: the client has gone beyond a limit. */
  #cutOff(why: string): void {
    const { session } = this;
    this.#host.log.warn(`client ${session.id} at ${session.address} closed: ${why}`);
    session.isKilled = true;
    this.#host.unsubscribe(session);
    this.#socket.terminate();
  }

  /**
   * Closes as soon as nothing is queued. Our side is shut down first and the client's waited for: a
   * close with unread input would be a reset, which can destroy the last reply on its way.
   */
  #closeWhenSent(): void {
    this.#host.unsubscribe(this.session);
    if (this.#state !== State.Open || this.#output.size > 0) return;
    if (this.#hasEnded || this.session.isKilled) {
      this.#socket.end();
      return;
    }
    this.#state = State.Lingering;
    this.#lingerUntilMs = clock.nowMs + CLOSE_LINGER_MS;
    this.#input.release();
    this.#socket.shutdown();
    if (this.#isPaused) this.#socket.resume();
  }

  /** A subscriber may be silent for ever. */
  #isIdleTooLong(idleMs: number): boolean {
    if (this.session.isSubscribed) return false;
    if (!this.session.isAuthenticated && idleMs >= UNAUTHENTICATED_IDLE_MS) return true;
    const limitMs = this.#host.settings.timeoutSeconds * MS_PER_S;
    return limitMs > 0 && idleMs >= limitMs && this.#blocked === 0;
  }

  /** What CLIENT LIST says about this connection's buffers. */
  #showBuffers(): void {
    const session = this.session;
    session.queryBytes = this.#input.length;
    session.queryFreeBytes = this.#input.bytes.length - this.#input.length;
    session.outputBytes = this.#output.size;
    session.outputListCount = this.#output.size > 0 ? 1 : 0;
    session.memoryBytes = this.memoryBytes;
  }
}
