/**
 * Every configuration parameter that CONFIG knows.
 *
 * First those that mean something here, each with the field of Settings that it sets. Then those
 * that are kept for compatibility: clients, tools and test suites set and read them back, and they
 * are harmless because what they tune does not exist here (encodings of small collections,
 * replication, snapshots) or works without tuning. A parameter whose other values would promise
 * something that does not happen (appendonly yes) is `fixed` and says so.
 *
 * Adding one that matters: a field in base/settings.ts, a line here, and
 * ServerContext.settingsChanged if the value is held anywhere else.
 */
import type { Settings } from "../base/settings.ts";
import {
  boolean,
  fixed,
  INT32_MAX,
  integer,
  keptEnum,
  keptInteger,
  keptSize,
  keptString,
  keptYesNo,
  NUMBER_MAX,
  type Parameter,
  parseMemorySize,
  policy,
  refuseUnlessYesNo,
  size,
  startText,
} from "./config-kinds.ts";
import { outputLimitParameter } from "./config-output.ts";

const MIB = 1024 * 1024;
/** The store's largest value (base/limits.ts of the store); Redis lets this be larger. */
const BULK_SIZE_MAX = 512 * MIB;
const FROZEN = { isImmutable: true } as const;
const NO_SNAPSHOTS =
  "snapshots are not supported; persistence is chosen at start-up with --persist";

/** hz is bounded silently, as Redis does. */
const hzParameter: Parameter = {
  ...integer("hz", "hz", 0, INT32_MAX),
  apply: (settings, text) => {
    settings.hz = Math.min(500, Math.max(1, Number(text)));
  },
};

const passwordParameter: Parameter = {
  name: "requirepass",
  isImmutable: false,
  read: (settings) => settings.requirepass,
  refuse: () => null,
  apply: (settings, text) => settings.setPassword(text),
};

/** "<seconds> <changes>", any number of times. */
function refuseUnlessSavePoints(text: string): string | null {
  return /^\s*(\d+\s+\d+(\s+|$))*$/.test(text) ? null : "Invalid save parameters";
}

/** Kept for compatibility: a size, or a share of maxmemory in percent. */
const maxmemoryClientsParameter: Parameter = {
  ...keptString("maxmemory-clients", "0"),
  refuse: (text) => {
    const percent = /^(\d+)%$/.exec(text);
    if (percent !== null) {
      return Number(percent[1]) <= 100 ? null : "percentage argument must be less or equal to 100";
    }
    const isSize = parseMemorySize(text) !== null;
    return isSize ? null : "argument must be a memory or percent value";
  },
};

const shown = (name: string, read: (settings: Settings) => string): Parameter => ({
  name,
  isImmutable: true,
  read,
  refuse: () => null,
  apply: () => {},
});

/** What changes how this server works. */
const effective: readonly Parameter[] = [
  size("maxmemory", "maxmemoryBytes", 0, NUMBER_MAX),
  policy("maxmemory-policy", [
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "noeviction",
  ]),
  integer("maxmemory-samples", "maxmemorySamples", 1, 64),
  integer("maxclients", "maxclients", 1, 2 ** 32 - 1),
  integer("timeout", "timeoutSeconds", 0, INT32_MAX),
  integer("tcp-keepalive", "tcpKeepaliveSeconds", 0, INT32_MAX),
  size("proto-max-bulk-len", "bulkSizeMax", MIB, BULK_SIZE_MAX),
  size("client-query-buffer-limit", "queryBufferSizeMax", MIB, NUMBER_MAX),
  outputLimitParameter,
  integer("client-output-stall-timeout", "outputStallSeconds", 0, INT32_MAX),
  boolean("protected-mode", "protectedMode"),
  passwordParameter,
  integer("slowlog-log-slower-than", "slowlogThresholdUs", -1, NUMBER_MAX),
  integer("slowlog-max-len", "slowlogLengthMax", 0, NUMBER_MAX),
  integer("latency-monitor-threshold", "latencyThresholdMs", 0, NUMBER_MAX),
  hzParameter,
  integer("lfu-log-factor", "lfuLogFactor", 0, INT32_MAX),
  integer("lfu-decay-time", "lfuDecayTimeMinutes", 0, INT32_MAX),
  boolean("lazyfree-lazy-eviction", "lazyfreeLazyEviction"),
  boolean("lazyfree-lazy-expire", "lazyfreeLazyExpire"),
  boolean("lazyfree-lazy-server-del", "lazyfreeLazyServerDel"),
  boolean("lazyfree-lazy-user-del", "lazyfreeLazyUserDel"),
  boolean("lazyfree-lazy-user-flush", "lazyfreeLazyUserFlush"),
  integer("databases", "databases", 1, INT32_MAX, FROZEN),
  integer("port", "port", 0, 65535, { isStartOnly: true }),
  integer("tcp-backlog", "tcpBacklog", 0, INT32_MAX, FROZEN),
  startText("bind", "bind", { isImmutable: false, isStartOnly: true }),
  startText("unixsocket", "unixsocket"),
  startText("dir", "dir", { isImmutable: false, isProtected: true }),
  shown("io-threads", (settings) => String(settings.threads)),
  shown("enable-debug-command", (settings) => settings.enableDebugCommand),
];

/** Kept for compatibility: how Redis encodes small collections and tunes its tables. */
const encodings: readonly Parameter[] = [
  keptInteger("list-max-listpack-size", -2, -INT32_MAX, INT32_MAX, {
    alias: "list-max-ziplist-size",
  }),
  keptInteger("list-compress-depth", 0, 0, INT32_MAX),
  keptInteger("set-max-intset-entries", 512, 0, NUMBER_MAX),
  keptInteger("set-max-listpack-entries", 128, 0, NUMBER_MAX),
  keptInteger("set-max-listpack-value", 64, 0, NUMBER_MAX),
  keptInteger("hash-max-listpack-entries", 512, 0, NUMBER_MAX, {
    alias: "hash-max-ziplist-entries",
  }),
  keptSize("hash-max-listpack-value", 64, 0, { alias: "hash-max-ziplist-value" }),
  keptInteger("zset-max-listpack-entries", 128, 0, NUMBER_MAX, {
    alias: "zset-max-ziplist-entries",
  }),
  keptSize("zset-max-listpack-value", 64, 0, { alias: "zset-max-ziplist-value" }),
  keptSize("hll-sparse-max-bytes", 3000),
  keptSize("stream-node-max-bytes", 4096),
  keptInteger("stream-node-max-entries", 100, 0, NUMBER_MAX),
  keptYesNo("activerehashing", true),
  keptYesNo("dynamic-hz", true),
  keptInteger("active-expire-effort", 1, 1, 10),
  keptYesNo("activedefrag", false),
  keptInteger("active-defrag-cycle-min", 1, 1, 99),
  keptInteger("active-defrag-cycle-max", 25, 1, 99),
  keptSize("active-defrag-ignore-bytes", 100 * MIB, 1),
  keptInteger("active-defrag-max-scan-fields", 1000, 1, NUMBER_MAX),
  keptInteger("active-defrag-threshold-lower", 10, 0, 1000),
  keptInteger("active-defrag-threshold-upper", 100, 0, 1000),
  keptYesNo("jemalloc-bg-thread", true),
  keptInteger("maxmemory-eviction-tenacity", 10, 0, 100),
  maxmemoryClientsParameter,
  keptInteger("tracking-table-max-keys", 1_000_000, 0, NUMBER_MAX),
  keptString("notify-keyspace-events"),
  keptInteger("busy-reply-threshold", 5000, 0, NUMBER_MAX, { alias: "lua-time-limit" }),
  keptYesNo("latency-tracking", true),
  keptString("latency-tracking-info-percentiles", "50 99 99.9"),
];

/**
 * Kept for compatibility: snapshots and the append-only file. What would promise durability is
 * fixed.
 */
const persistence: readonly Parameter[] = [
  fixed("save", "", refuseUnlessSavePoints, NO_SNAPSHOTS),
  fixed("appendonly", "no", refuseUnlessYesNo, NO_SNAPSHOTS),
  keptEnum("appendfsync", "everysec", ["everysec", "always", "no"]),
  keptString("appendfilename", "appendonly.aof", FROZEN),
  keptString("appenddirname", "appendonlydir", FROZEN),
  keptString("dbfilename", "dump.rdb", { isProtected: true }),
  keptYesNo("no-appendfsync-on-rewrite", false),
  keptInteger("auto-aof-rewrite-percentage", 100, 0, INT32_MAX),
  keptSize("auto-aof-rewrite-min-size", 64 * MIB),
  keptYesNo("aof-load-truncated", true),
  keptYesNo("aof-use-rdb-preamble", true),
  keptYesNo("aof-rewrite-incremental-fsync", true),
  keptYesNo("aof-timestamp-enabled", false),
  keptYesNo("aof-disable-auto-gc", false),
  keptYesNo("rdbchecksum", true, FROZEN),
  keptYesNo("rdbcompression", true),
  keptYesNo("rdb-del-sync-files", false),
  keptYesNo("rdb-save-incremental-fsync", true),
  keptYesNo("stop-writes-on-bgsave-error", true),
  keptEnum("sanitize-dump-payload", "no", ["no", "yes", "clients"]),
];

/** Kept for compatibility: replication and cluster, which this server does not take part in. */
const replication: readonly Parameter[] = [
  keptString("replicaof", "", { alias: "slaveof", isImmutable: true }),
  keptString("masterauth", "", { alias: "primaryauth" }),
  keptString("masteruser", "", { alias: "primaryuser" }),
  keptYesNo("replica-read-only", true, { alias: "slave-read-only" }),
  keptYesNo("replica-serve-stale-data", true, { alias: "slave-serve-stale-data" }),
  keptYesNo("replica-ignore-maxmemory", true, { alias: "slave-ignore-maxmemory" }),
  keptYesNo("replica-lazy-flush", true, { alias: "slave-lazy-flush" }),
  keptYesNo("replica-announced", true),
  keptYesNo("replica-ignore-disk-write-errors", false),
  keptString("replica-announce-ip", "", { alias: "slave-announce-ip" }),
  keptInteger("replica-announce-port", 0, 0, 65535, { alias: "slave-announce-port" }),
  keptInteger("replica-priority", 100, 0, INT32_MAX, { alias: "slave-priority" }),
  keptInteger("min-replicas-to-write", 0, 0, INT32_MAX, { alias: "min-slaves-to-write" }),
  keptInteger("min-replicas-max-lag", 10, 0, INT32_MAX, { alias: "min-slaves-max-lag" }),
  keptInteger("repl-ping-replica-period", 10, 1, INT32_MAX, { alias: "repl-ping-slave-period" }),
  keptInteger("repl-timeout", 60, 1, INT32_MAX),
  keptSize("repl-backlog-size", 10 * MIB, 1),
  keptInteger("repl-backlog-ttl", 3600, 0, NUMBER_MAX),
  keptYesNo("repl-disable-tcp-nodelay", false),
  keptYesNo("repl-diskless-sync", true),
  keptInteger("repl-diskless-sync-delay", 5, 0, INT32_MAX),
  keptInteger("repl-diskless-sync-max-replicas", 0, 0, INT32_MAX),
  keptEnum("repl-diskless-load", "disabled", ["disabled", "on-empty-db", "swapdb"]),
  keptEnum("propagation-error-behavior", "ignore", ["ignore", "panic", "panic-on-replicas"]),
  keptYesNo("cluster-enabled", false, FROZEN),
  keptString("cluster-config-file", "nodes.conf", FROZEN),
  keptInteger("cluster-port", 0, 0, 65535, FROZEN),
  keptInteger("cluster-node-timeout", 15000, 0, NUMBER_MAX),
  keptYesNo("cluster-require-full-coverage", true),
  keptYesNo("cluster-allow-reads-when-down", false),
  keptYesNo("cluster-allow-pubsubshard-when-down", true),
  keptString("cluster-announce-ip"),
  keptString("cluster-announce-hostname"),
  keptInteger("cluster-announce-port", 0, 0, 65535),
];

/** Kept for compatibility: the process, its log and TLS. */
const processWide: readonly Parameter[] = [
  keptYesNo("daemonize", false, FROZEN),
  keptEnum("supervised", "no", ["upstart", "systemd", "auto", "no"], FROZEN),
  keptString("pidfile", "", FROZEN),
  keptString("logfile", "", FROZEN),
  keptEnum("loglevel", "notice", ["debug", "verbose", "notice", "warning", "nothing"]),
  keptYesNo("syslog-enabled", false, FROZEN),
  keptString("syslog-ident", "kv", FROZEN),
  keptYesNo("always-show-logo", false, FROZEN),
  keptYesNo("set-proc-title", true, FROZEN),
  keptString("proc-title-template", "{title} {listen-addr} {server-mode}"),
  keptYesNo("crash-log-enabled", true),
  keptYesNo("crash-memcheck-enabled", true),
  keptYesNo("disable-thp", true, FROZEN),
  keptEnum("oom-score-adj", "no", ["no", "yes", "relative", "absolute"]),
  keptString("oom-score-adj-values", "0 200 800"),
  keptString("ignore-warnings"),
  keptInteger("shutdown-timeout", 10, 0, INT32_MAX),
  keptString("shutdown-on-sigint", "default"),
  keptString("shutdown-on-sigterm", "default"),
  keptEnum("enable-protected-configs", "no", ["no", "yes", "local"], FROZEN),
  keptEnum("enable-module-command", "no", ["no", "yes", "local"], FROZEN),
  keptYesNo("io-threads-do-reads", false, FROZEN),
  keptInteger("unixsocketperm", 0, 0, 0o777, FROZEN),
  keptInteger("socket-mark-id", 0, 0, NUMBER_MAX, FROZEN),
  keptString("bind-source-addr"),
  keptString("server_cpulist", "", { alias: "server-cpulist", isImmutable: true }),
  keptString("aclfile", "", FROZEN),
  keptInteger("acllog-max-len", 128, 0, NUMBER_MAX),
  keptEnum("acl-pubsub-default", "resetchannels", ["allchannels", "resetchannels"]),
  keptInteger("tls-port", 0, 0, 65535, FROZEN),
  keptString("tls-cert-file", "", FROZEN),
  keptString("tls-key-file", "", FROZEN),
  keptString("tls-ca-cert-file", "", FROZEN),
  keptEnum("tls-auth-clients", "yes", ["no", "yes", "optional"]),
  keptString("tls-protocols", "", FROZEN),
];

/** All parameters, in the order in which CONFIG GET shows them. */
export const parameters: readonly Parameter[] = [
  ...effective,
  ...encodings,
  ...persistence,
  ...replication,
  ...processWide,
];

const byName = new Map<string, Parameter>();
for (const parameter of parameters) {
  byName.set(parameter.name, parameter);
  if (parameter.alias !== undefined) byName.set(parameter.alias, parameter);
}

/** The parameter with that name or alias, in any case; null when there is none. */
export function findParameter(name: string): Parameter | null {
  return byName.get(name.toLowerCase()) ?? null;
}

/** Every name and alias with its parameter. */
export function parameterNames(): Iterable<[string, Parameter]> {
  return byName;
}
