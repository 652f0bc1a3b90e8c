/**
 * A session: what the commands know about one client connection.
 *
 * net/connection owns the socket and one Session; dispatch hands it to the commands in Context.
 * Commands change what a client may change (database, protocol, name, reply mode); net keeps the
 * counters that CLIENT LIST shows.
 * Plain fields, written and read on the Worker that accepted the connection, and on no other.
 * Not here: buffers and sockets.
 */
import { assert } from "../base/assert.ts";
import type { Subscriber } from "../pubsub/subscriber.ts";

/**
 * CLIENT REPLY. Skip: the reply of the next command is dropped, then On; SkipNext is the state
 * right after the command.
 */
export const enum ReplyMode {
  On = 0,
  Off = 1,
  /** The reply of the running command is dropped; dispatch goes back to On behind it. */
  Skip = 2,
  /** Set by CLIENT REPLY SKIP itself; dispatch turns it into Skip before the next command. */
  SkipNext = 3,
}

export class Session {
  /** Unique over all Workers, from 1, in the order of connecting. */
  readonly id: number;
  /** "127.0.0.1:52110", "[::1]:52110", or "/path:0" of a Unix socket. */
  readonly address: string;
  readonly localAddress: string;
  /** Whether the other end is on this machine (loopback or a Unix socket). */
  readonly isLocal: boolean;
  readonly createdMs: number;
  /** Descriptor number, -1 when the runtime does not tell. */
  fd = -1;

  // ---- What the client chose ----
  /** Logical database. */
  db = 0;
  protocol: 2 | 3 = 2;
  /**
   * Whether commands may be run. net sets it on connecting when there is no password at that
   * moment.
   */
  isAuthenticated = false;
  name = "";
  libName = "";
  libVersion = "";
  replyMode: ReplyMode = ReplyMode.On;
  noEvict = false;
  noTouch = false;
  /** What it is subscribed to; null before the first time. */
  subscriber: Subscriber | null = null;

  // ---- Asked of net by commands ----
  /** The connection is closed once what has been replied is sent; nothing more of it is run. */
  closeAfterReply = false;
  /** CLIENT KILL took it: the socket is closed without waiting for the output to drain. */
  isKilled = false;
  /** Failed AUTH attempts; net or AUTH itself closes above a limit. */
  authFailures = 0;

  // ---- Kept by net and dispatch, shown by CLIENT LIST ----
  lastActiveMs: number;
  /** Full name of the last command ("client|list"), "NULL" before the first. */
  lastCommand = "NULL";
  /** Bytes of an unfinished request, and the room left behind them. */
  queryBytes = 0;
  queryFreeBytes = 0;
  /** Bytes of arguments of the command that is read at the moment. */
  argumentBytes = 0;
  /** Replies waiting for the socket: buffers and bytes. */
  outputListCount = 0;
  outputBytes = 0;
  /** All memory held for this client. */
  memoryBytes = 0;
  bytesIn = 0;
  bytesOut = 0;
  commandsCount = 0;

  constructor(id: number, address: string, localAddress: string, isLocal: boolean, nowMs: number) {
    assert(id > 0, `session id (${id}) must be > 0`);
    this.id = id;
    this.address = address;
    this.localAddress = localAddress;
    this.isLocal = isLocal;
    this.createdMs = nowMs;
    this.lastActiveMs = nowMs;
  }

  /** Whether the client is subscribed to anything: other limits hold for it. */
  get isSubscribed(): boolean {
    return this.subscriber !== null && this.subscriber.count > 0;
  }

  /** HELLO and RESET: what is sent from now on speaks `protocol`. */
  speak(protocol: 2 | 3): void {
    this.protocol = protocol;
    if (this.subscriber !== null) this.subscriber.resp3 = protocol === 3;
  }

  /** RESET: back to what a new connection is, except that counters and identity stay. */
  reset(needsPassword: boolean): void {
    this.db = 0;
    this.speak(2);
    this.name = "";
    this.replyMode = ReplyMode.On;
    this.noEvict = false;
    this.noTouch = false;
    this.isAuthenticated = !needsPassword;
  }
}
