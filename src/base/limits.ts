/**
 * Every named limit, with its reason. Grouped by the part that keeps it.
 *
 * A limit that a user may change is a field of Settings with its bounds in
 * commands/config-params.ts; what is here is fixed.
 */

// ---- commands ----

/**
 * Wrong passwords on one connection before it is closed: guessing then costs a connection for every
 * few tries.
 */
export const AUTH_FAILURES_MAX = 10;
/**
 * Keys that one command locks, or reads as a snapshot; for more it takes the exclusive section,
 * which costs less then.
 */
export const KEYS_AT_ONCE_MAX = 256;
/**
 * A snapshot of several keys that failed this often is read under their locks. Below the store's
 * own limit.
 */
export const SNAPSHOT_ATTEMPTS_MAX = 8;
/**
 * Expiry times beyond this (the year 287396) are kept as this: doubles hold every millisecond up to
 * it.
 */
export const EXPIRY_MS_MAX = Number.MAX_SAFE_INTEGER;
/**
 * Buckets that one SCAN visits for each key that it was asked for, when most are empty or filtered
 * out; as Redis.
 */
export const SCAN_STEPS_PER_KEY = 10;
/**
 * And at the least: a small or empty database, whose buckets are the whole index, is then one call,
 * as in Redis.
 */
export const SCAN_STEPS_MIN = 1024;
/** A buffer for results of SCAN, KEYS and LCS above this is given back after the command. */
export const RESULT_KEEP_SIZE_MAX = 1024 * 1024;

// ---- net ----

/**
 * Commands that are parsed, touched and run together: their index and record lines must fit the
 * first-level cache.
 */
export const BATCH_COMMANDS_MAX = 64;
/**
 * Reply bytes that are sent before the batch goes on: bounds what one client's pipeline can make
 * the server hold.
 */
export const WRITER_FLUSH_SIZE = 1024 * 1024;
/** A Worker's reply buffer as it starts, and what it goes back to after a larger reply. */
export const WRITER_SIZE = 64 * 1024;
/** A reply buffer above this is given back at once, below it is kept for the next batch. */
export const WRITER_KEEP_SIZE_MAX = 4 * 1024 * 1024;
/** What the sockets on both ends may take of a reply before the rest counts as waiting output. */
export const WRITER_SLACK_SIZE = 16 * 1024 * 1024;
/** The rest of a short write is copied up to this size; above, the buffer itself is handed over. */
export const OUTPUT_COPY_SIZE_MAX = 256 * 1024;
/** First input buffer of a client whose request came in parts: most requests fit. */
export const INPUT_SIZE_MIN = 512;
/**
 * An empty input buffer above this is given back at once, a smaller one when the client has been
 * idle.
 */
export const INPUT_KEEP_SIZE_MAX = 1024 * 1024;
/**
 * What a client may send ahead while its current command has not replied, before its socket is no
 * longer read.
 */
export const INPUT_AHEAD_SIZE_MAX = 64 * 1024;
/** An idle client's empty buffers are given back after this. */
export const BUFFER_IDLE_MS = 2000;
/** Unfinished request bytes of a client that has not given the password; as in Redis. */
export const UNAUTHENTICATED_QUERY_SIZE_MAX = 1024 * 1024;
/** Unread reply bytes of such a client: errors only, so 64 KiB is a flood (CVE-2025-21605). */
export const UNAUTHENTICATED_OUTPUT_SIZE_MAX = 64 * 1024;
/**
 * Such a client is closed after being idle this long: half-open logins must not hold connections.
 */
export const UNAUTHENTICATED_IDLE_MS = 10_000;
/**
 * How long a connection that was told to close may take to close its side; its replies are not cut
 * by a reset.
 */
export const CLOSE_LINGER_MS = 2000;
/** Descriptors kept back from clients: listeners, event loops, Workers' pipes, files. */
export const DESCRIPTORS_RESERVED = 64;
/** How often each Worker looks at its connections for timeouts and idle buffers. */
export const CONNECTION_CHECK_MS = 1000;
/**
 * A clean stop waits this long for the Workers before the process ends anyway; 2 s is what is
 * promised.
 */
export const STOP_TIMEOUT_MS = 1500;

// ---- pubsub ----

/** Longest channel name, as of keys: it is copied into shared memory, and matched by patterns. */
export const CHANNEL_SIZE_MAX = 65_536;
/**
 * Longest pattern. A match costs up to the pattern times the channel: 0.3 s with this much of both.
 */
export const PATTERN_SIZE_MAX = 4096;
/** Channels and patterns of one client: each takes 440 bytes, the directory included. */
export const SUBSCRIPTIONS_PER_CLIENT_MAX = 1_048_576;
/** And of all clients together. */
export const SUBSCRIPTIONS_COUNT_MAX = 8_388_608;
/**
 * A Worker collects garbage after it has taken back this many: like closed connections, they would
 * otherwise stay (one client that comes and goes: 385 MB and growing, instead of 110 MB).
 */
export const SUBSCRIPTIONS_COLLECT_COUNT = 65_536;
/** Address space for the names of channels and patterns: four million short ones. */
export const PUBSUB_DIRECTORY_SIZE = 256 * 1024 * 1024;
/**
 * The ring between the Workers: what a Worker may be behind before publishers wait for it. Only as
 * much of it is touched as was ever behind.
 */
export const PUBSUB_RING_SIZE = 4 * 1024 * 1024;
/**
 * A message above this is handed from Worker to Worker by itself: the ring stays small, and other
 * messages do not wait until it is copied.
 */
export const PUBSUB_RECORD_SIZE_MAX = 256 * 1024;
/** Large messages that may be on their way at the same time; one may always. */
export const PUBSUB_LARGE_SIZE_MAX = 64 * 1024 * 1024;
/**
 * Encoded messages that are collected before they are written to the subscribers: few writes, and
 * still in the second-level cache.
 */
export const PUBSUB_DELIVERY_SIZE = 256 * 1024;

// ---- the command line ----

/**
 * Serving threads. Each costs an epoch line, statistics and an event loop; no machine we know gains
 * from more.
 */
export const THREADS_COUNT_MAX = 128;
/** Logical databases: what the store's index has room for. */
export const DATABASES_COUNT_MAX = 256;
/** Connections: above it, the descriptor limit of common systems is what decides. */
export const CLIENTS_COUNT_MAX = 1_000_000;
/** Below it not even the empty index fits. */
export const MAXMEMORY_BYTES_MIN = 1024 * 1024;
/**
 * A Unix socket's path, with its terminating zero, must fit into sockaddr_un (108 bytes; 104 on
 * macOS).
 */
export const UNIX_SOCKET_PATH_SIZE_MAX = 103;
/** A configuration file is lines typed by people; above this it is the wrong file. */
export const CONFIG_FILE_SIZE_MAX = 1024 * 1024;
/**
 * A Worker collects garbage after this many of its connections have closed: each leaves 1.7 KB,
 * which the collector by itself would come to late. Takes 4 to 10 ms.
 */
export const CONNECTIONS_COLLECT_COUNT = 8192;

// ---- chat (kv ws-server) ----

/** A room's name, bytes of UTF-8: it is part of a key, a channel and every bus entry. */
export const CHAT_ROOM_SIZE_MAX = 64;
/** A person's name, characters: it stands before each message on a phone. */
export const CHAT_NAME_LENGTH_MAX = 32;
/** --history at the most: all of it is sent to whoever joins. */
export const CHAT_HISTORY_COUNT_MAX = 10_000;
/**
 * Bytes of history that one join is given, the newest messages first: a join must not by itself
 * fill the backlog of a client.
 */
export const CHAT_HISTORY_SEND_SIZE_MAX = 1024 * 1024;
/** Memory for the history of all rooms; beyond it the rooms unused for longest lose theirs. */
export const CHAT_HISTORY_MEMORY_BYTES = 256 * 1024 * 1024;
/** --max-payload at the most: a message is held whole, and once more for each thread. */
export const CHAT_PAYLOAD_SIZE_MAX = 16 * 1024 * 1024;
/** --token at the most, bytes; it travels in a header. */
export const CHAT_TOKEN_SIZE_MAX = 512;
/** --allow-origin at the most: they are compared one by one. */
export const CHAT_ORIGINS_COUNT_MAX = 64;
/**
 * What one message of --rate-limit may weigh on average: 10,000 messages/s are 10 MiB/s as well.
 */
export const CHAT_BYTES_PER_MESSAGE = 1024;
/**
 * How far above --max-backlog the runtime itself cuts a client off: between two looks of ours at
 * the backlogs, one burst fits.
 */
export const CHAT_BACKLOG_SLACK_SIZE = 16 * 1024 * 1024;
/**
 * Unread bytes of all clients of one thread together; above it, those with the most are closed.
 */
export const CHAT_BACKLOG_TOTAL_SIZE_MAX = 1024 * 1024 * 1024;
/** Bytes handed to clients after which the backlogs are looked at, besides the timer. */
export const CHAT_SWEEP_BYTES = 16 * 1024 * 1024;
/** And the timer. */
export const CHAT_SWEEP_MS = 100;
/** A closed client that does not read its Close frame is cut off after this. */
export const CHAT_CLOSE_LINGER_MS = 2000;
/** A client that answers no ping for this long is gone. */
export const CHAT_IDLE_SECONDS = 60;
/** An HTTP connection that says nothing, or an upgrade that never finishes. */
export const CHAT_HTTP_IDLE_SECONDS = 10;
/** Who is there is told at most this often to a room, and less often to a large one. */
export const CHAT_ROSTER_INTERVAL_MS = 200;
/** Names in it; the others are counted. */
export const CHAT_ROSTER_NAMES_MAX = 200;
/** Bytes on the way to one other thread; above it, who sends is closed: no message is dropped. */
export const CHAT_BUS_SIZE_MAX = 64 * 1024 * 1024;
/** Entries for the other threads are sent when they are this many bytes, or at the turn's end. */
export const CHAT_BUS_BATCH_SIZE = 64 * 1024;
/** Messages handed to the bridge that it has not confirmed; above it, they are lost and said so. */
export const CHAT_BRIDGE_PENDING_MAX = 10_000;
/** Servers of one bridge tell each other that they are there, and who is, this often. */
export const CHAT_BRIDGE_BEAT_MS = 2000;
/** A server that was not heard of for this long is gone. */
export const CHAT_BRIDGE_SILENCE_MS = 5000;
/** Servers that were once on the bridge and whose numbers are remembered. */
export const CHAT_BRIDGE_SERVERS_MAX = 1000;
/** Rosters in one beat, bytes; rooms beyond it are counted without names. */
export const CHAT_BRIDGE_ROSTERS_SIZE_MAX = 256 * 1024;
/** Waits between attempts to connect grow from the first to the second. */
export const CHAT_BRIDGE_RETRY_MS_MIN = 100;
export const CHAT_BRIDGE_RETRY_MS_MAX = 5000;
