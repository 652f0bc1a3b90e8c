/**
 * The servers that can be measured: their names, where they are looked for, and how to start one.
 *
 * Data only. When adding a backend, also add its `--<name>-url` to cli/bench-options.ts.
 */

export type BackendName = "kv" | "redis" | "valkey";

export interface Backend {
  name: BackendName;
  /** Other spellings, in lower case and without dashes. */
  aliases: readonly string[];
  /** Where it is looked for without a URL; null: `kv bench` starts it itself. */
  urlDefault: string | null;
  /** The flag that says where it is. */
  urlFlag: string;
  /** The port that its start command in the hint gets when the URL has none. */
  startCommand: (port: number) => string;
}

const PEER_OPTIONS = '--save "" --appendonly no';

export const BACKENDS: readonly Backend[] = [
  {
    name: "kv",
    aliases: ["rustdb"],
    urlDefault: null,
    urlFlag: "--rustdb-url",
    startCommand: (port) => `kv serve --port ${port}`,
  },
  {
    name: "redis",
    aliases: [],
    urlDefault: "redis://127.0.0.1:6379",
    urlFlag: "--redis-url",
    startCommand: (port) => `redis-server --port ${port} ${PEER_OPTIONS}`,
  },
  {
    name: "valkey",
    aliases: [],
    urlDefault: "redis://127.0.0.1:6380",
    urlFlag: "--valkey-url",
    startCommand: (port) => `valkey-server --port ${port} ${PEER_OPTIONS}`,
  },
];

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
