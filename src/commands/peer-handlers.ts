/**
 * What Workers ask of each other: the control plane behind CLIENT LIST, CLIENT KILL, CONFIG SET,
 * SLOWLOG and DEBUG.
 *
 * `Peers.ask(kind, payload)` runs the handler of that kind on every Worker, the asking one
 * included, and collects what they return; src/server-worker.ts carries the messages. Payloads and
 * answers survive structuredClone. A handler is short, synchronous, and must not fail: what it gets
 * has been checked by the Worker that asks.
 */
import { clock } from "../base/clock.ts";
import { type ClientLine, clientLines, type KillFilter, killClients } from "./client-list.ts";
import { type Assignments, applyAssignments } from "./config.ts";
import type { ServerContext } from "./server-context.ts";
import type { SlowLogEntry } from "./slow-log.ts";

export type PeerHandler = (server: ServerContext, payload: unknown) => unknown;

export const peerHandlers: Readonly<Record<string, PeerHandler>> = {
  "client-list": (server): ClientLine[] => clientLines(server, clock.nowMs),
  "client-kill": (server, payload): number =>
    killClients(server, payload as KillFilter, clock.nowMs),
  "config-set": (server, payload): null => {
    applyAssignments(server, payload as Assignments);
    return null;
  },
  "reset-stats": (server): null => {
    server.stats.resetOwn();
    return null;
  },
  "slowlog-get": (server, count): SlowLogEntry[] => server.slowlog.newest(count as number),
  "slowlog-length": (server): number => server.slowlog.length,
  "slowlog-reset": (server): null => {
    server.slowlog.reset();
    return null;
  },
  "active-expire": (server, isOn): null => {
    server.settings.isActiveExpireOn = isOn as boolean;
    return null;
  },
};
