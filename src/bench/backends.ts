/**
 * What can be measured: the names of the backends, where they are looked for, and how to start one.
 *
 * Data only. `kind` says how a backend is spoken to, and so which clients and phases fit it. When
 * adding a backend, also add its row to sessionOf (run.ts).
 */
import type { ClientName } from "./plan.ts";

export type BackendName =
  | "kv"
  | "redis"
  | "valkey"
  | "nats"
  | "websocketchat"
  | "websocket"
  | "inmemory"
  | "map";

export type BackendKind = "resp" | "nats" | "websocket" | "in-process";

export interface Backend {
  name: BackendName;
  kind: BackendKind;
  /** Other spellings, in lower case and without dashes. */
  aliases: readonly string[];
  /** Where it is looked for without a URL; null: it is started here, or runs in this process. */
  urlDefault: string | null;
  /** The flag that says where it is; null in process. */
  urlFlag: string | null;
  /** The first is the default. */
  clients: readonly ClientName[];
  /** The command that starts it on `port`, for hints. */
  startCommand: (port: number) => string;
}

const PEER_OPTIONS = '--save "" --appendonly no';
const RESP_CLIENTS = ["raw", "node-redis", "bun"] as const;

export const BACKENDS: readonly Backend[] = [
  {
    name: "kv",
    kind: "resp",
    aliases: ["rustdb"],
    urlDefault: null,
    urlFlag: "--rustdb-url",
    clients: RESP_CLIENTS,
    startCommand: (port) => `kv serve --port ${port}`,
  },
  {
    name: "redis",
    kind: "resp",
    aliases: [],
    urlDefault: "redis://127.0.0.1:6379",
    urlFlag: "--redis-url",
    clients: RESP_CLIENTS,
    startCommand: (port) => `redis-server --port ${port} ${PEER_OPTIONS}`,
  },
  {
    name: "valkey",
    kind: "resp",
    aliases: [],
    urlDefault: "redis://127.0.0.1:6380",
    urlFlag: "--valkey-url",
    clients: RESP_CLIENTS,
    startCommand: (port) => `valkey-server --port ${port} ${PEER_OPTIONS}`,
  },
  {
    name: "nats",
    kind: "nats",
    aliases: [],
    urlDefault: "nats://127.0.0.1:4222",
    urlFlag: "--nats-url",
    clients: ["raw", "nats", "nats-ws"],
    startCommand: (port) => `nats-server -a 127.0.0.1 -p ${port}`,
  },
  {
    name: "websocketchat",
    kind: "websocket",
    aliases: ["wschat"],
    urlDefault: "ws://127.0.0.1:3000/ws",
    urlFlag: "--ws-url",
    clients: ["raw"],
    startCommand: (port) => `kv ws-server --port ${port}`,
  },
  {
    name: "websocket",
    kind: "websocket",
    aliases: ["ws"],
    urlDefault: "ws://127.0.0.1:3000/ws",
    urlFlag: "--ws-url",
    clients: ["raw"],
    startCommand: (port) => `kv ws-server --port ${port}`,
  },
  inProcess("inmemory"),
  inProcess("map"),
];

function inProcess(name: "inmemory" | "map"): Backend {
  const urlDefault = null;
  const urlFlag = null;
  const startCommand = () => "";
  return {
    name,
    kind: "in-process",
    aliases: [],
    urlDefault,
    urlFlag,
    clients: ["raw"],
    startCommand,
  };
}

/** The backend that `text` names, ignoring case and dashes; undefined for an unknown one. */
export function findBackend(text: string): Backend | undefined {
  const wanted = text.toLowerCase().replaceAll("-", "");
  return BACKENDS.find((backend) => backend.name === wanted || backend.aliases.includes(wanted));
}

/** The backend of a known name. */
export function backendOf(name: BackendName): Backend {
  const backend = findBackend(name);
  if (backend === undefined) throw new RangeError(`unknown backend ${name}`);
  return backend;
}
