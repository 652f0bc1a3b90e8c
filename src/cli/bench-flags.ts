/**
 * The flags of `kv bench` as commander knows them: names, help and defaults. Values are text here;
 * bench-options.ts checks them.
 */
import type { Command } from "commander";
import { subcommandsHelp } from "./bench-subcommands.ts";
import { collect, newCommand, parseWith } from "./commander.ts";

export const VALUE_SIZE_DEFAULT = "128";
export const FORMAT_DEFAULT = "string";

/** Flags as commander gives them. */
export interface RawFlags {
  db: string;
  client?: string;
  workload?: string;
  url?: string;
  redisUrl?: string;
  valkeyUrl?: string;
  rustdbUrl?: string;
  natsUrl?: string;
  wsUrl?: string;
  numOps?: string;
  duration?: string;
  warmup?: string;
  runs: string;
  concurrency: string;
  workers: string;
  valueSize: string;
  format: string;
  compressZstd?: true;
  zstdLevel?: string;
  compressibility?: string;
  keys?: string;
  keyDist?: string;
  ratio?: string;
  ycsb?: string;
  command?: string;
  numChats?: string;
  historyLen?: string;
  readSize?: string;
  pipeline?: true;
  batchSize?: string;
  writeOnly?: true;
  readOnly?: true;
  pubsubOnly?: true;
  numPublishers?: string;
  wsMultiIp?: true;
  wsMultiIpBase?: string;
  wsMultiIpCount?: string;
  hold?: string;
  rate?: string;
  sweep?: string;
  findMax?: string;
  arrival?: string;
  maxInflight?: string;
  latency: boolean;
  verify?: true;
  threads?: string;
  /** Taken out of a command line of its own before (program.ts). */
  runWsServer?: true;
  seed: string;
  timeout: string;
  out?: string[];
  baseline?: string;
  failIf?: string;
  json?: true;
  quiet?: true;
}

/**
 * The flags of a command line; null when it asked for help, which has been printed. Throws
 * UsageError.
 */
export function parseFlags(argv: string[]): RawFlags | null {
  const command = makeCommand();
  if (!parseWith(command, argv)) return null;
  return command.opts<RawFlags>();
}

function makeCommand(): Command {
  const command = newCommand(
    "kv bench",
    "Measure key-value servers, brokers, formats and the store itself",
  );
  addTargetFlags(command);
  addWorkloadFlags(command);
  addLoadFlags(command);
  addOutputFlags(command);
  return command.addHelpText("after", EXAMPLES + subcommandsHelp());
}

function addTargetFlags(command: Command): void {
  command
    .optionsGroup("What is measured:")
    .option(
      "--db <names>",
      "kv (or rustdb), redis, valkey, nats, websocketchat, websocket, inmemory, map; several " +
        "with commas give a comparison",
      "redis",
    )
    .option(
      "--client <names>",
      "who speaks to it: raw (our driver); node-redis, bun; for nats also nats, nats-ws " +
        "(default: raw)",
    )
    .option("--url <url>", "where it is; kv is started here without one")
    .option("-r, --redis-url <url>", "the same for redis (default: redis://127.0.0.1:6379)")
    .option("-v, --valkey-url <url>", "the same for valkey (default: redis://127.0.0.1:6380)")
    .option("--rustdb-url <url>", "the same for kv")
    .option("--nats-url <url>", "the same for nats (default: nats://127.0.0.1:4222)")
    .option("--ws-url <url>", "the same for WebSockets (default: ws://127.0.0.1:3000/ws)")
    .option("--threads <count>", "threads of the kv server that is started here")
    .option(
      "--run-ws-server",
      "run the chat server that --db websocketchat measures, the same as kv ws-server",
    );
}

function addWorkloadFlags(command: Command): void {
  command
    .optionsGroup("What is done:")
    .option(
      "--workload <name>",
      "simple: SET, then GET; chat: LPUSH + LTRIM, then LRANGE (default: chat; with --ycsb and " +
        "--command simple)",
    )
    .option("--write-only", "only the write phase")
    .option("--read-only", "only the read phase; what is read is written before, unmeasured")
    .option("--pubsub-only", "publish and subscribe instead")
    .option("--num-publishers <count>", "publishers; the other connections subscribe (default: 1)")
    .option("--num-chats <count>", "lists of the chat workload (default: 1000)")
    .option("--history-len <count>", "elements that a list keeps (default: 100)")
    .option("--read-size <count>", "elements that a read asks for (default: 50)")
    .option("--ratio <w:r>", "mix writes and reads, such as 1:10")
    .option("--ycsb <letter>", "a workload of YCSB, a to f")
    .option("--command <text>", 'one command, such as "SET {key zipf} {value 64}"')
    .option("--keys <count>", "draw keys out of so many (default: each key once)")
    .option(
      "--key-dist <name>",
      "uniform, zipf[:0.99], sequential, hotspot[:0.2/0.8], gauss, latest (default: uniform)",
    )
    .option(
      "--value-size <size>",
      "bytes (128, 4kb), a range (64-1024), or shares (64:9,1kb:1)",
      VALUE_SIZE_DEFAULT,
    )
    .option(
      "--format <name>",
      "string, json, cbor, protobuf, flatbuffers, msgpack, compact (bitcode), view (rkyv)",
      FORMAT_DEFAULT,
    )
    .option("--compress-zstd", "compress the values")
    .option("--zstd-level <level>", "1 to 22 (default: 3)")
    .option("--compressibility <share>", "share of the data that repeats, 0 to 1 (default: 0)")
    .option(
      "--ws-multi-ip",
      "connect to many loopback addresses: each has ports of its own (server on 0.0.0.0)",
    )
    .option("--ws-multi-ip-base <address>", "the first of them (default: 127.0.0.2)")
    .option("--ws-multi-ip-count <count>", "how many (default: 200)")
    .option("--hold <duration>", "how long websocket holds its connections (default: 30s)");
}

function addLoadFlags(command: Command): void {
  command
    .optionsGroup("How it is loaded:")
    .option("-o, --num-ops <count>", "operations in each phase (default: 100000)")
    .option("--duration <time>", "measure for so long instead, such as 10s")
    .option("--warmup <time>", "load it for so long before (default: 0s; 2s with --duration)")
    .option("--runs <count>", "repetitions with new connections, targets interleaved", "1")
    .option("-c, --concurrency <count>", "connections", "50")
    .option("--workers <count>", "load processes", "1")
    .option("--pipeline", "send batches of requests without waiting in between")
    .option("--batch-size <count>", "operations in a batch of --pipeline (default: 50)")
    .option("--rate <count>", "open loop: operations per second, whatever the server does")
    .option("--sweep <rates>", "open loop at each of 1k,5k,20k or at 10 steps of 1k..200k/10")
    .option("--find-max <bound>", "search the highest rate that keeps, such as p99<2ms")
    .option("--arrival <kind>", "of --rate: const or poisson (default: const)")
    .option(
      "--max-inflight <count>",
      "of --rate: beyond it, operations are dropped (default: 10000)",
    )
    .option("--seed <number>", "of keys, values and draws", "1")
    .option("--timeout <time>", "without a reply for so long, give up", "30s");
}

function addOutputFlags(command: Command): void {
  command
    .optionsGroup("What comes out:")
    .option("--verify", "compare every value read with what was written")
    .option("--no-latency", "measure rates only")
    .option(
      "--out <file>",
      "write the result to .json, .html, .csv, .md, .prom or .hgrm; may be repeated",
      collect,
    )
    .option("--baseline <file>", "also compare with this result (.json)")
    .option(
      "--fail-if <conditions>",
      "exit with 1 when one holds, such as 'throughput<100k,p99>2ms'; with --baseline also " +
        "'throughput<-5%' (kv bench compare --help has the grammar)",
    )
    .option("--json", "print the result as JSON")
    .option("--quiet", "no progress and no notices, only the result");
}

const EXAMPLES = `
Examples:
  kv bench --db kv --workload simple --pipeline        start our server and measure it
  kv bench --db kv,redis,valkey --runs 5 --out r.html  compare three servers
  kv bench --db valkey --workload simple --rate 20000  latency at a given load
`;
