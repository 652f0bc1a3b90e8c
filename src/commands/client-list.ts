/**
 * What CLIENT LIST, CLIENT INFO and CLIENT KILL do on one Worker: describe its sessions, and pick
 * some of them.
 *
 * client.ts asks every Worker for this (peer-handlers.ts) and joins the answers. Payloads and
 * answers are plain data.
 */
import type { ServerContext } from "./server-context.ts";
import type { Session } from "./session.ts";

/** The words of TYPE; we have no masters and replicas, so those match no client. */
export type ClientType = "normal" | "master" | "replica" | "pubsub";

/** CLIENT KILL's filters; a client must pass all that are given. */
export interface KillFilter {
  readonly id: number | null;
  readonly type: ClientType | null;
  readonly address: string | null;
  readonly localAddress: string | null;
  /** Clients that are connected for at least so many seconds. */
  readonly ageSecondsMin: number | null;
  /** Spare the client that asks. */
  readonly isSkippingMe: boolean;
  /** Of the client that asks: it is closed behind the reply instead of at once. */
  readonly requesterId: number;
  /** Stop at the first match (the old form, which names one address). */
  readonly isSingle: boolean;
}

export interface ClientLine {
  readonly id: number;
  readonly type: ClientType;
  readonly line: string;
}

/** The lines of this Worker's clients. */
export function clientLines(server: ServerContext, nowMs: number): ClientLine[] {
  const lines: ClientLine[] = [];
  for (const session of server.sessions()) {
    if (isLeaving(session)) continue;
    lines.push({ id: session.id, type: typeOf(session), line: clientLine(session, nowMs) });
  }
  return lines;
}

/**
 * One line of CLIENT LIST, without a line end: the fields of Redis 7.2 and those that Valkey 8
 * added.
 */
export function clientLine(session: Session, nowMs: number): string {
  const ageSeconds = Math.max(0, Math.floor((nowMs - session.createdMs) / 1000));
  const idleSeconds = Math.max(0, Math.floor((nowMs - session.lastActiveMs) / 1000));
  const { subscriber } = session;
  const channels = subscriber?.channels.size ?? 0;
  const patterns = subscriber?.patterns.size ?? 0;
  const shards = subscriber?.shards.size ?? 0;
  return (
    `id=${session.id} addr=${session.address} laddr=${session.localAddress} fd=${session.fd}` +
    ` name=${session.name} age=${ageSeconds} idle=${idleSeconds} flags=${flagsOf(session)}` +
    ` db=${session.db} sub=${channels} psub=${patterns} ssub=${shards} multi=-1 watch=0` +
    ` qbuf=${session.queryBytes} qbuf-free=${session.queryFreeBytes}` +
    ` argv-mem=${session.argumentBytes} multi-mem=0 rbs=0 rbp=0 obl=0` +
    ` oll=${session.outputListCount} omem=${session.outputBytes} tot-mem=${session.memoryBytes}` +
    ` events=r cmd=${session.lastCommand} user=default redir=-1 resp=${session.protocol}` +
    ` lib-name=${session.libName} lib-ver=${session.libVersion}` +
    ` tot-net-in=${session.bytesIn} tot-net-out=${session.bytesOut}` +
    ` tot-cmds=${session.commandsCount}`
  );
}

/**
 * Closes this Worker's clients that pass `filter`; returns how many. The requester only after its
 * reply.
 */
export function killClients(server: ServerContext, filter: KillFilter, nowMs: number): number {
  let killedCount = 0;
  for (const session of [...server.sessions()]) {
    if (isLeaving(session) || !passes(session, filter, nowMs)) continue;
    if (session.id === filter.requesterId) {
      session.closeAfterReply = true;
    } else {
      session.isKilled = true;
      server.closeSession(session);
    }
    killedCount++;
    if (filter.isSingle) break;
  }
  return killedCount;
}

/** A connection that only waits for its client to hang up is nobody's to see any more. */
function isLeaving(session: Session): boolean {
  return session.isKilled || session.closeAfterReply;
}

function passes(session: Session, filter: KillFilter, nowMs: number): boolean {
  if (filter.id !== null && session.id !== filter.id) return false;
  if (filter.type !== null && filter.type !== typeOf(session)) return false;
  if (filter.address !== null && session.address !== filter.address) return false;
  if (filter.localAddress !== null && session.localAddress !== filter.localAddress) return false;
  if (filter.ageSecondsMin !== null && nowMs - session.createdMs < filter.ageSecondsMin * 1000) {
    return false;
  }
  return !(filter.isSkippingMe && session.id === filter.requesterId);
}

function typeOf(session: Session): ClientType {
  return session.isSubscribed ? "pubsub" : "normal";
}

function flagsOf(session: Session): string {
  let flags = "";
  if (session.isSubscribed) flags += "P";
  if (session.address.endsWith(":0")) flags += "U";
  if (session.noEvict) flags += "e";
  if (session.noTouch) flags += "T";
  return flags === "" ? "N" : flags;
}
