/**
 * The runtime configuration: plain fields that hot code reads directly.
 *
 * Every Worker has a Settings of its own. The command line fills one, it travels to the Workers as
 * plain data (`toPlain`, `Settings.from`), and CONFIG SET changes it on every Worker
 * (commands/config.ts). What CONFIG calls each field, and its bounds, is in
 * commands/config-params.ts.
 *
 * Fields that say "start-up only" are shown by CONFIG GET and refused by CONFIG SET.
 * Passwords: `requirepass` is what CONFIG GET shows; comparing goes through `passwordDigest` and
 * nothing else.
 */
import { createHash } from "node:crypto";

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

export type MaxmemoryPolicy =
  | "noeviction"
  | "allkeys-lru"
  | "allkeys-lfu"
  | "allkeys-random"
  | "volatile-lru"
  | "volatile-lfu"
  | "volatile-random"
  | "volatile-ttl";

/**
 * When a client that does not read is cut off: at once above `hard`, after `softSeconds` above
 * `soft`. 0: never.
 */
export interface OutputLimit {
  hardBytes: number;
  softBytes: number;
  softSeconds: number;
}

export class Settings {
  // ---- Start-up only ----
  /** The port asked for, 0 takes a free one; in a Worker that listens, the real one. */
  port = 7878;
  /** Addresses to listen on, separated by spaces. */
  bind = "127.0.0.1";
  unixsocket = "";
  dir = "./kv-data";
  persist: "off" | "everysec" | "always" = "off";
  threads = 1;
  databases = 16;
  tcpBacklog = 511;
  /** Path of the configuration file, "" when there is none. */
  configFile = "";
  /** DEBUG: "no", "yes", or "local" for connections from this machine only. */
  enableDebugCommand: "no" | "yes" | "local" = "local";

  // ---- Clients ----
  maxclients = 10_000;
  /** Idle clients are closed after so many seconds; 0: never. */
  timeoutSeconds = 0;
  tcpKeepaliveSeconds = 300;
  /** proto-max-bulk-len: the longest argument, so the longest value. */
  bulkSizeMax = 512 * MIB;
  /** client-query-buffer-limit: unfinished request bytes held for one client. */
  queryBufferSizeMax = 1 * GIB;
  /** Above the largest value: a GET of it must be answered. */
  outputNormal: OutputLimit = { hardBytes: 1 * GIB, softBytes: 256 * MIB, softSeconds: 60 };
  outputReplica: OutputLimit = { hardBytes: 256 * MIB, softBytes: 64 * MIB, softSeconds: 60 };
  outputPubsub: OutputLimit = { hardBytes: 32 * MIB, softBytes: 8 * MIB, softSeconds: 60 };
  /** A client that takes no byte of a waiting reply for so many seconds is closed; 0: never. */
  outputStallSeconds = 60;
  /** Clients from elsewhere are refused while there is no password and no explicit bind. */
  protectedMode = true;
  /** The password in clear (latin1), "" when none is asked for. Set it with `setPassword`. */
  requirepass = "";
  /** SHA-256 of the password, null when none is asked for. */
  passwordDigest: Uint8Array | null = null;

  // ---- Memory ----
  /** Bytes; 0: no limit. */
  maxmemoryBytes = 0;
  maxmemoryPolicy: MaxmemoryPolicy = "noeviction";
  maxmemorySamples = 5;
  lfuLogFactor = 10;
  lfuDecayTimeMinutes = 1;
  lazyfreeLazyEviction = true;
  lazyfreeLazyExpire = true;
  lazyfreeLazyServerDel = true;
  lazyfreeLazyUserDel = true;
  lazyfreeLazyUserFlush = true;
  /**
   * DEBUG SET-ACTIVE-EXPIRE: whether the sweep of expired keys runs. Access still removes them when
   * it is off.
   */
  isActiveExpireOn = true;

  // ---- Background work and looking inside ----
  /** How often a second the upkeep runs. */
  hz = 10;
  /** Commands that take longer are logged; 0 logs all, negative none. Microseconds. */
  slowlogThresholdUs = 10_000;
  slowlogLengthMax = 128;
  latencyThresholdMs = 0;

  /**
   * Values of the Redis parameters that mean nothing here but that clients set and read back: name
   * to value.
   */
  compatibility: Record<string, string> = {};

  /** Sets or, with "", removes the password (latin1: one character per byte). */
  setPassword(password: string): void {
    this.requirepass = password;
    this.passwordDigest = password === "" ? null : digestOf(password);
  }

  /** A copy that structuredClone and postMessage can carry. */
  toPlain(): Record<string, unknown> {
    return structuredClone({ ...this }) as Record<string, unknown>;
  }

  /** The Settings that `toPlain` was called on. */
  static from(plain: Record<string, unknown>): Settings {
    return Object.assign(new Settings(), plain);
  }
}

/** SHA-256 of a latin1 text: what passwords are compared by. */
export function digestOf(password: string): Uint8Array {
  return new Uint8Array(createHash("sha256").update(Buffer.from(password, "latin1")).digest());
}
