/**
 * What each section of INFO holds: field names as Redis has them, because dashboards and clients
 * read them by name.
 *
 * A section is a function from InfoSource to its fields, called when it is asked for. Counters are
 * sums over all Workers (base/server-stats.ts); times, memory and processor are the process's.
 * Fields that have no meaning here (replication buffers, copy-on-write) are there with the value of
 * an idle Redis when tools are known to read them, and left out otherwise.
 */
import { arch, release, totalmem, type } from "node:os";
import { clock } from "../base/clock.ts";
import { CommandStat, ERROR_PREFIXES, Stat } from "../base/server-stats.ts";
import { COMMIT, VERSION } from "../base/version.ts";
import { TopicKind } from "../pubsub/layout.ts";
import type { DurabilityFacts } from "../store/durability.ts";
import { COUNT_EVICTED, COUNT_EXPIRED } from "../store/store.ts";
import { registry } from "./registry.ts";
import type { ServerContext } from "./server-context.ts";
import { REDIS_VERSION } from "./version.ts";

export type Fields = [name: string, value: string | number][];
export type Section = (server: ServerContext) => Fields;

const MS_PER_SECOND = 1000;
const US_PER_SECOND = 1_000_000;
const SECONDS_PER_DAY = 86_400;
/** What Redis calls kbps is KiB per second. */
const KIB = 1024;
const LRU_CLOCK_MASK = 0xff_ffff;

export function serverSection(server: ServerContext): Fields {
  const uptimeSeconds = Math.floor((clock.nowMs - server.startedMs) / MS_PER_SECOND);
  const { settings } = server;
  return [
    ["redis_version", REDIS_VERSION],
    ["server_name", "kv"],
    ["kv_version", VERSION],
    ["redis_git_sha1", COMMIT === "" ? "00000000" : COMMIT.slice(0, 8)],
    ["redis_git_dirty", COMMIT.endsWith("+") ? 1 : 0],
    ["redis_build_id", COMMIT === "" ? "0" : COMMIT],
    ["redis_mode", "standalone"],
    ["server_mode", "standalone"],
    ["os", `${type()} ${release()} ${arch() === "x64" ? "x86_64" : arch()}`],
    ["arch_bits", 64],
    ["monotonic_clock", "POSIX clock_gettime"],
    ["multiplexing_api", process.platform === "linux" ? "epoll" : "kqueue"],
    ["bun_version", Bun.version],
    ["process_id", process.pid],
    ["process_supervised", "no"],
    ["run_id", server.runId],
    ["tcp_port", server.port],
    ["server_time_usec", clock.microseconds()],
    ["uptime_in_seconds", uptimeSeconds],
    ["uptime_in_days", Math.floor(uptimeSeconds / SECONDS_PER_DAY)],
    ["hz", settings.hz],
    ["configured_hz", settings.hz],
    ["lru_clock", Math.floor(clock.nowMs / MS_PER_SECOND) & LRU_CLOCK_MASK],
    ["executable", server.executable],
    ["config_file", settings.configFile],
    ["worker_threads", server.threads],
    ["io_threads_active", server.threads > 1 ? 1 : 0],
    ["listener0", `name=tcp,bind=${settings.bind},port=${server.port}`],
  ];
}

export function clientsSection(server: ServerContext): Fields {
  const { stats } = server;
  return [
    ["connected_clients", stats.sum(Stat.ClientsCurrent)],
    ["cluster_connections", 0],
    ["maxclients", server.settings.maxclients],
    ["client_recent_max_input_buffer", 0],
    ["client_recent_max_output_buffer", 0],
    ["blocked_clients", stats.sum(Stat.ClientsBlocked)],
    ["tracking_clients", 0],
    ["pubsub_clients", stats.sum(Stat.ClientsSubscribed)],
    ["watching_clients", 0],
    ["clients_in_timeout_table", 0],
    ["total_watched_keys", 0],
    ["total_blocking_keys", 0],
    ["total_blocking_keys_on_nokey", 0],
  ];
}

export function memorySection(server: ServerContext): Fields {
  const used = server.store.usedMemory();
  const peak = server.stats.notePeak(used);
  const resident = process.memoryUsage.rss();
  const clientsBytes = server.stats.sum(Stat.ClientsBytes);
  const { maxmemoryBytes, maxmemoryPolicy } = server.settings;
  const total = totalmem();
  return [
    ["used_memory", used],
    ["used_memory_human", humanBytes(used)],
    ["used_memory_rss", resident],
    ["used_memory_rss_human", humanBytes(resident)],
    ["used_memory_peak", peak],
    ["used_memory_peak_human", humanBytes(peak)],
    ["used_memory_peak_perc", percent(used, peak)],
    ["used_memory_overhead", 0],
    ["used_memory_startup", 0],
    ["used_memory_dataset", used],
    ["used_memory_dataset_perc", percent(used, used)],
    ["allocator_allocated", used],
    ["allocator_active", resident],
    ["allocator_resident", resident],
    ["total_system_memory", total],
    ["total_system_memory_human", humanBytes(total)],
    ["used_memory_lua", 0],
    ["used_memory_lua_human", "0B"],
    ["used_memory_scripts", 0],
    ["used_memory_scripts_human", "0B"],
    ["number_of_cached_scripts", 0],
    ["number_of_functions", 0],
    ["number_of_libraries", 0],
    ["maxmemory", maxmemoryBytes],
    ["maxmemory_human", humanBytes(maxmemoryBytes)],
    ["maxmemory_policy", maxmemoryPolicy],
    ["mem_fragmentation_ratio", (used === 0 ? 0 : resident / used).toFixed(2)],
    ["mem_fragmentation_bytes", resident - used],
    ["mem_not_counted_for_evict", 0],
    ["mem_replication_backlog", 0],
    ["mem_total_replication_buffers", 0],
    ["mem_clients_slaves", 0],
    ["mem_clients_normal", clientsBytes],
    ["mem_cluster_links", 0],
    ["mem_aof_buffer", 0],
    ["mem_allocator", "kv-log"],
    ["active_defrag_running", 0],
    ["lazyfree_pending_objects", 0],
    ["lazyfreed_objects", 0],
  ];
}

/** Fields of Redis, of which a checkpoint fills those of snapshots and rewrites; then our own. */
export function persistenceSection(server: ServerContext): Fields {
  const { durability } = server.store;
  const facts = durability === null ? null : durability.facts();
  const savedMs = facts === null ? server.startedMs : facts.savedMs;
  const isRunning = facts?.isCheckpointAsked === true ? 1 : 0;
  const status = (facts?.checkpointError ?? "") === "" ? "ok" : "err";
  const tookSeconds =
    facts === null || facts.checkpoints === 0 ? -1 : Math.round(facts.checkpointMs / MS_PER_SECOND);
  return [
    ["loading", 0],
    ["async_loading", 0],
    ["current_cow_peak", 0],
    ["current_cow_size", 0],
    ["current_fork_perc", "0.00"],
    ["current_save_keys_processed", 0],
    ["current_save_keys_total", 0],
    ["rdb_changes_since_last_save", facts === null ? 0 : facts.lastStamp - facts.checkpointMark],
    ["rdb_bgsave_in_progress", isRunning],
    ["rdb_last_save_time", Math.floor(savedMs / MS_PER_SECOND)],
    ["rdb_last_bgsave_status", status],
    ["rdb_last_bgsave_time_sec", tookSeconds],
    ["rdb_current_bgsave_time_sec", -1],
    ["rdb_saves", facts?.checkpoints ?? 0],
    ["rdb_last_cow_size", 0],
    ["rdb_last_load_keys_expired", 0],
    ["rdb_last_load_keys_loaded", 0],
    ["aof_enabled", facts === null ? 0 : 1],
    ["aof_rewrite_in_progress", isRunning],
    ["aof_rewrite_scheduled", 0],
    ["aof_last_rewrite_time_sec", tookSeconds],
    ["aof_current_rewrite_time_sec", -1],
    ["aof_last_bgrewrite_status", status],
    ["aof_rewrites", facts?.checkpoints ?? 0],
    ["aof_last_write_status", facts?.isFull === true ? "err" : "ok"],
    ["aof_last_cow_size", 0],
    ["module_fork_in_progress", 0],
    ["module_fork_last_cow_size", 0],
    ["durability", server.settings.persist],
    ...(facts === null ? [] : durabilityFields(server, facts)),
  ];
}

function durabilityFields(server: ServerContext, facts: DurabilityFacts): Fields {
  return [
    ["data_dir", server.settings.dir],
    ["durable_lag_ms", Math.round(facts.lagMs)],
    ["last_stamp", facts.lastStamp],
    ["durable_stamp", facts.durableStamp],
    ["flushes", facts.flushes],
    ["last_flush_ms", Math.round(facts.flushMs)],
    ["longest_flush_ms", Math.round(facts.flushMsMax)],
    ["log_written_bytes", facts.writtenBytes],
    ["log_file_bytes", facts.logBytes],
    ["log_segments", facts.logSegments],
    ["log_segments_recycled", facts.recycledSegments],
    ["checkpoint_bytes", facts.checkpointBytes],
    ["checkpoint_mark", facts.checkpointMark],
    ["checkpoint_in_progress", facts.isCheckpointing ? 1 : 0],
    ["heap_file_bytes", facts.heapBytes],
    ["heap_spare_bytes", facts.heapSpareBytes],
    ["last_recovery_ms", Math.round(facts.recoveryMs)],
    ["last_recovery_records", facts.recoveredRecords],
    ["log_full", server.store.durability?.fullReason() ?? ""],
  ];
}

/**
 * The store's own counters that CONFIG RESETSTAT restarts, in the order of ServerStats.outsideBase.
 */
export function outsideCounters(server: ServerContext): number[] {
  return [server.store.counter(COUNT_EXPIRED), server.store.counter(COUNT_EVICTED)];
}

export function statsSection(server: ServerContext): Fields {
  const { stats } = server;
  const rates = stats.rates();
  const [expired, evicted] = outsideCounters(server) as [number, number];
  return [
    ["total_connections_received", stats.sum(Stat.ConnectionsReceived)],
    ["total_commands_processed", stats.sum(Stat.CommandsProcessed)],
    ["instantaneous_ops_per_sec", Math.round(rates.commands)],
    ["total_net_input_bytes", stats.sum(Stat.BytesIn)],
    ["total_net_output_bytes", stats.sum(Stat.BytesOut)],
    ["total_net_repl_input_bytes", 0],
    ["total_net_repl_output_bytes", 0],
    ["instantaneous_input_kbps", kbps(rates.bytesIn)],
    ["instantaneous_output_kbps", kbps(rates.bytesOut)],
    ["instantaneous_input_repl_kbps", "0.00"],
    ["instantaneous_output_repl_kbps", "0.00"],
    ["rejected_connections", stats.sum(Stat.ConnectionsRejected)],
    ["sync_full", 0],
    ["sync_partial_ok", 0],
    ["sync_partial_err", 0],
    ["expired_keys", expired - stats.outsideBase(0)],
    ["expired_stale_perc", "0.00"],
    ["expired_time_cap_reached_count", 0],
    ["evicted_keys", evicted - stats.outsideBase(1)],
    ["evicted_clients", 0],
    ["total_eviction_exceeded_time", 0],
    ["current_eviction_exceeded_time", 0],
    ["keyspace_hits", stats.sum(Stat.Hits)],
    ["keyspace_misses", stats.sum(Stat.Misses)],
    ["pubsub_channels", server.pubsub.directory.count(TopicKind.Channel)],
    ["pubsub_patterns", server.pubsub.directory.count(TopicKind.Pattern)],
    ["pubsubshard_channels", server.pubsub.directory.count(TopicKind.Shard)],
    ["latest_fork_usec", 0],
    ["total_forks", 0],
    ["migrate_cached_sockets", 0],
    ["slave_expires_tracked_keys", 0],
    ["active_defrag_hits", 0],
    ["active_defrag_misses", 0],
    ["active_defrag_key_hits", 0],
    ["active_defrag_key_misses", 0],
    ["tracking_total_keys", 0],
    ["tracking_total_items", 0],
    ["tracking_total_prefixes", 0],
    ["unexpected_error_replies", stats.sum(Stat.UnexpectedErrors)],
    ["total_error_replies", stats.sum(Stat.ErrorReplies)],
    ["dump_payload_sanitizations", 0],
    ["total_reads_processed", stats.sum(Stat.ReadsProcessed)],
    ["total_writes_processed", stats.sum(Stat.WritesProcessed)],
    ["io_threaded_reads_processed", 0],
    ["io_threaded_writes_processed", 0],
    ["client_query_buffer_limit_disconnections", stats.sum(Stat.QueryLimitDisconnections)],
    ["client_output_buffer_limit_disconnections", stats.sum(Stat.OutputLimitDisconnections)],
    ["acl_access_denied_auth", stats.sum(Stat.AuthDenied)],
    ["acl_access_denied_cmd", 0],
    ["acl_access_denied_key", 0],
    ["acl_access_denied_channel", 0],
  ];
}

export function replicationSection(server: ServerContext): Fields {
  return [
    ["role", "master"],
    ["connected_slaves", 0],
    ["master_failover_state", "no-failover"],
    ["master_replid", server.runId],
    ["master_replid2", "0".repeat(40)],
    ["master_repl_offset", 0],
    ["second_repl_offset", -1],
    ["repl_backlog_active", 0],
    ["repl_backlog_size", 0],
    ["repl_backlog_first_byte_offset", 0],
    ["repl_backlog_histlen", 0],
  ];
}

export function cpuSection(): Fields {
  const used = process.cpuUsage();
  const system = (used.system / US_PER_SECOND).toFixed(6);
  const user = (used.user / US_PER_SECOND).toFixed(6);
  return [
    ["used_cpu_sys", system],
    ["used_cpu_user", user],
    ["used_cpu_sys_children", "0.000000"],
    ["used_cpu_user_children", "0.000000"],
  ];
}

/** A line for each command that was ever called or refused. */
export function commandStatsSection(server: ServerContext): Fields {
  const fields: Fields = [];
  for (const command of registry.all) {
    const base = server.stats.commandBase(command.index);
    const calls = server.stats.sum(base + CommandStat.Calls);
    const rejected = server.stats.sum(base + CommandStat.Rejected);
    const failed = server.stats.sum(base + CommandStat.Failed);
    if (calls === 0 && rejected === 0) continue;
    const usec = Math.floor(server.stats.sum(base + CommandStat.Microseconds));
    const perCall = (calls === 0 ? 0 : usec / calls).toFixed(2);
    fields.push([
      `cmdstat_${command.name}`,
      `calls=${calls},usec=${usec},usec_per_call=${perCall},` +
        `rejected_calls=${rejected},failed_calls=${failed}`,
    ]);
  }
  return fields;
}

export function errorStatsSection(server: ServerContext): Fields {
  const fields: Fields = [];
  for (let i = 0; i < ERROR_PREFIXES.length; i++) {
    const count = server.stats.sum(server.stats.errorColumn(i));
    if (count > 0) fields.push([`errorstat_${ERROR_PREFIXES[i]}`, `count=${count}`]);
  }
  return fields;
}

/** Latency per command is not recorded as a distribution. */
export function emptySection(): Fields {
  return [];
}

export function clusterSection(): Fields {
  return [["cluster_enabled", 0]];
}

/** A line for each database that has keys. */
export function keyspaceSection(server: ServerContext): Fields {
  const fields: Fields = [];
  for (let db = 0; db < server.settings.databases; db++) {
    const physical = server.store.physical(db);
    const keys = server.store.keysCount(physical);
    if (keys === 0) continue;
    const expires = server.store.expiresCount(physical);
    fields.push([`db${db}`, `keys=${keys},expires=${expires},avg_ttl=0`]);
  }
  return fields;
}

/** "975.27K", in the form of Redis' *_human fields. */
export function humanBytes(bytes: number): string {
  const units = ["B", "K", "M", "G", "T", "P"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return unit === 0 ? `${value}B` : `${value.toFixed(2)}${units[unit]}`;
}

function percent(part: number, whole: number): string {
  return `${(whole === 0 ? 0 : (part * 100) / whole).toFixed(2)}%`;
}

function kbps(bytesPerSecond: number): string {
  return (bytesPerSecond / KIB).toFixed(2);
}
