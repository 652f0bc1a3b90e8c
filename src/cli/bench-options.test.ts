/**
 * The command line of `kv bench`: defaults, spellings, and one clear line for whatever makes no
 * sense.
 */
import { expect, test } from "bun:test";
import { UsageError } from "../base/errors.ts";
import { parseBenchOptions } from "./bench-options.ts";

function parse(line: string) {
  const options = parseBenchOptions(line === "" ? [] : line.split(" "));
  if (options === null) throw new Error("help was printed");
  return options;
}

const KNOWN_METRICS =
  "--fail-if: unknown metric (p98), known are throughput, average, p50, p90, p99, p999, errors, " +
  "reach";

test("parseBenchOptions() has the defaults of the original", () => {
  expect(parse("")).toEqual({
    targets: [{ backend: "redis", client: "raw", url: null }],
    workload: "chat",
    mode: { kind: "phases", isWriting: true, isReading: true },
    amount: { operations: 100_000 },
    warmupMs: 0,
    runsCount: 1,
    concurrency: 50,
    workersCount: 1,
    values: { size: "128", format: "string", zstdLevel: null, compressibility: 0 },
    chat: { chatsCount: 1000, historyLength: 100, readSize: 50 },
    keysCount: null,
    keyDistribution: null,
    batchSize: 1,
    rate: null,
    arrival: "const",
    inflightMax: 10_000,
    isTimingLatency: true,
    isVerifying: false,
    seed: 1,
    timeoutMs: 30_000,
    threads: null,
    baselinePath: null,
    conditions: [],
    isQuiet: false,
    isJson: false,
    outPaths: [],
    notices: [],
  });
});

test("parseBenchOptions() needs no --workload where only one is meant", () => {
  expect(parse("--ycsb a").workload).toBe("simple");
  expect(parse("--command PING").workload).toBe("simple");
  expect(parse("--ratio 1:9").workload).toBe("chat");
});

test("parseBenchOptions() says what stands for the formats of Rust", () => {
  const { values, notices } = parse("--format BitCode");
  expect(values.format).toBe("compact");
  expect(notices).toEqual([expect.stringContaining("Bitcode exists in Rust only")]);
  expect(parse("--format Rkyv").values.format).toBe("view");
  expect(parse("--format json").notices).toEqual([]);
});

test("parseBenchOptions() takes every flag of a request workload", () => {
  const line =
    "--db kv,redis --redis-url h:1 --client raw,node-redis --workload simple --duration 5s " +
    "--warmup 1s --runs 3 -c 6 --workers 2 --value-size 4kb --format json --compress-zstd " +
    "--zstd-level 9 --compressibility 0.5 --keys 7 --key-dist zipf --pipeline --batch-size 8 " +
    "--read-only --no-latency --verify --threads 2 --seed 9 --timeout 2s --out x.json --json " +
    "--quiet";
  expect(parse(line)).toMatchObject({
    targets: [
      { backend: "kv", client: "raw", url: null },
      { backend: "kv", client: "node-redis", url: null },
      { backend: "redis", client: "raw", url: "h:1" },
      { backend: "redis", client: "node-redis", url: "h:1" },
    ],
    workload: "simple",
    mode: { kind: "phases", isWriting: false, isReading: true },
    amount: { durationMs: 5000 },
    warmupMs: 1000,
    runsCount: 3,
    concurrency: 6,
    workersCount: 2,
    values: { size: "4096", format: "json", zstdLevel: 9, compressibility: 0.5 },
    keysCount: 7,
    keyDistribution: "zipf:0.99",
    batchSize: 8,
    isTimingLatency: false,
    isVerifying: true,
    seed: 9,
    timeoutMs: 2000,
    threads: 2,
    isQuiet: true,
    isJson: true,
    outPaths: ["x.json"],
  });
});

test("parseBenchOptions() ignores case and dashes in names", () => {
  for (const name of ["RustDb", "rust-db", "RUSTDB", "KV"]) {
    expect(parse(`--db ${name}`).targets[0]?.backend).toBe("kv");
  }
  const { targets, workload } = parse("--db Redis,Valkey --workload Simple");
  expect(targets.map((target) => target.backend)).toEqual(["redis", "valkey"]);
  expect(workload).toBe("simple");
  expect(parse("--db In-Memory --format Flatbuffers").targets[0]?.backend).toBe("inmemory");
});

test("parseBenchOptions() gives --url to the one database, and a batch size to --pipeline", () => {
  expect(parse("--db valkey --url h:1").targets[0]?.url).toBe("h:1");
  expect(parse("--db kv --rustdb-url redis://h:1").targets[0]?.url).toBe("redis://h:1");
  expect(parse("--pipeline").batchSize).toBe(50);
});

test("parseBenchOptions() knows what is measured", () => {
  expect(parse("--workload simple --ratio 1:10").mode).toEqual({
    kind: "mix",
    label: "MIX 1:10",
    operations: [
      { operation: "set", weight: 1 },
      { operation: "get", weight: 10 },
    ],
  });
  expect(parse("--ratio 0:1").mode).toMatchObject({ operations: [{ operation: "range" }] });
  const ycsb = parse("--workload simple --ycsb D");
  expect(ycsb).toMatchObject({ keyDistribution: "latest", mode: { label: "YCSB D" } });
  expect(parse("--db Nats").mode).toEqual({ kind: "pubsub", publishersCount: 1 });
  expect(parse("--db WebSocketChat --ws-multi-ip --ws-multi-ip-count 2").mode).toEqual({
    kind: "ws-chat",
    localAddresses: ["127.0.0.2", "127.0.0.3"],
  });
  expect(parse("--db web-socket --hold 1s").mode).toMatchObject({ holdMs: 1000 });
});

test("parseBenchOptions() takes rates, sweeps and bounds", () => {
  expect(parse("--rate 20k --arrival Poisson --max-inflight 5")).toMatchObject({
    rate: { kind: "fixed", ratePerSecond: 20_000 },
    arrival: "poisson",
    inflightMax: 5,
  });
  expect(parse("--sweep 1k,5k").rate).toEqual({ kind: "sweep", ratesPerSecond: [1000, 5000] });
  expect(parse("--sweep 1k..100k/3").rate).toMatchObject({ ratesPerSecond: [1e3, 1e4, 1e5] });
  expect(parse("--find-max p99<2ms").rate).toEqual({
    kind: "find-max",
    percentile: 0.99,
    latencyNsMax: 2e6,
  });
});

const refused: [line: string, message: string][] = [
  ["--num-opz 5", "--num-opz: unknown option (did you mean --num-ops?)"],
  ["--num-ops", "--num-ops: value is missing"],
  ["--num-ops 0", "--num-ops: 0 is below the minimum: 1"],
  ["--num-ops 1e5", "--num-ops: not a whole number (1e5)"],
  ["--num-ops -5", "--num-ops: not a whole number (-5)"],
  ["--num-ops 99999999999", "--num-ops: 99999999999 is above the maximum: 2147483647"],
  ["--concurrency 0", "--concurrency: 0 is below the minimum: 1"],
  ["--concurrency 10001", "--concurrency: 10001 is above the maximum: 10000"],
  ["--value-size 1x", "--value-size: not a size, as in 128 or 4kb (1x)"],
  ["--value-size 0", "--value-size: a size must be from 1 to 536870912 bytes (0)"],
  ["--value-size 1gb", "--value-size: a size must be from 1 to 536870912 bytes (1gb)"],
  ["--workload simple --keys 0", "--keys: 0 is below the minimum: 1"],
  ["--batch-size 5", "--batch-size: has no effect without --pipeline, add it"],
  ["--pipeline --batch-size 0", "--batch-size: 0 is below the minimum: 1"],
  ["--write-only --read-only", "--write-only: contradicts --read-only, give one of them"],
  [
    "--write-only --verify",
    "--verify: contradicts --write-only, which reads nothing that is known",
  ],
  [
    "--db mysql",
    "--db: unknown database (mysql), known are kv, redis, valkey, nats, websocketchat, " +
      "websocket, inmemory, map",
  ],
  ["--client curl", "--client: unknown (curl), known are raw, node-redis, bun, nats, nats-ws"],
  ["--client raw,raw", "--client: raw is there twice"],
  ["--db inmemory --client bun", "--client: inmemory has only raw (bun)"],
  [
    "--client bun --format cbor",
    "--client: bun corrupts binary values of --format cbor, use raw or node-redis",
  ],
  [
    "--client raw,bun --compress-zstd",
    "--client: bun corrupts binary values of --compress-zstd, use raw or node-redis",
  ],
  ["--client raw,nats", "--client: nats fits none of the databases (redis)"],
  ["--duration 5s -o 5", "--duration: contradicts --num-ops, give one of them"],
  ["--duration 5", "--duration: not a duration (5), such as 10s"],
  ["--runs 0", "--runs: 0 is below the minimum: 1"],
  ["--workers 51", "--workers: 51 is above the maximum: --concurrency 50"],
  ["--db inmemory --workers 2", "--workers: inmemory runs in this process"],
  ["--db nats --workers 2", "--workers: 2 processes have no common clock for deliveries, use 1"],
  ["--zstd-level 3", "--zstd-level: has no effect without --compress-zstd, add it"],
  ["--compress-zstd --zstd-level 23", "--zstd-level: 23 is above the maximum: 22"],
  ["--compressibility 2", "--compressibility: 2 is above the maximum: 1"],
  [
    "--format xml",
    "--format: unknown (xml), known are string, json, cbor, msgpack, protobuf, flatbuffers, " +
      "compact, view",
  ],
  [
    "--workload simple --key-dist zipf:9",
    "--key-dist: theta of zipf must be above 0 and at most 5 (9)",
  ],
  ["--value-size 9-3", "--value-size: a range must not fall (9-3)"],
  [
    "--value-size 64:1,9",
    "--value-size: a list needs a weight for each size, as in 64:50,1024:50 (9)",
  ],
  [
    "--workload simple --command {key}",
    "--command: column 1: the command's name must be plain text",
  ],
  ["--keys 5", "--keys: has no effect on --workload chat, use --num-chats or simple"],
  ["--workload simple --read-size 5", "--read-size: has no effect, it is for --workload chat"],
  ["--ratio 1", "--ratio: not writes:reads (1), such as 1:10"],
  ["--ratio 0:0", "--ratio: both are 0 (0:0)"],
  ["--ratio 1:1 --read-only", "--read-only: contradicts --ratio, give one of them"],
  ["--ycsb a --workload chat", "--ycsb: contradicts --workload chat, it needs simple"],
  ["--write-only --read-size 5", "--read-size: has no effect on --write-only, leave it out"],
  ["--run-ws-server", "--run-ws-server: runs a server, measures nothing"],
  ["--sweep 1k..2k", "--sweep: a range needs a number of steps (1k..2k), such as 1k..200k/10"],
  ["--workload simple --ycsb g", "--ycsb: unknown (g), known are a to f"],
  [
    "--workload simple --ycsb a --key-dist zipf",
    "--key-dist: contradicts --ycsb, which has its own",
  ],
  ["--num-publishers 2", "--num-publishers: has no effect without --pubsub-only, add it"],
  ["--pubsub-only -c 1", "--concurrency: 1 is below the minimum: 2"],
  ["--pubsub-only --num-publishers 50", "--num-publishers: 50 is above the maximum: 49"],
  ["--pubsub-only --db map", "--pubsub-only: map has no publishing and subscribing"],
  ["--pubsub-only --workload chat", "--workload: has no effect on --pubsub-only; leave it out"],
  [
    "--db nats --workload chat",
    "--workload: has no effect on --db nats, which publishes and subscribes; leave it out",
  ],
  ["--pubsub-only --write-only", "--write-only: contradicts --pubsub-only, give one of them"],
  ["--db kv,nats", "--db: nats has no keys and values, only --pubsub-only"],
  ["--db nats --key-dist zipf", "--key-dist: has no effect, there are no keys that it is for"],
  ["--command PING --keys 3", "--keys: has no effect, there are no keys that it is for"],
  [
    "--command PING --value-size 3",
    "--value-size: has no effect, there are no values that it is for",
  ],
  ["--command PING --format cbor", "--format: has no effect, there are no values that it is for"],
  [
    "--db websocket --compress-zstd",
    "--compress-zstd: has no effect, there are no values that it is for",
  ],
  [
    "--db redis,websocketchat",
    "--db: websocketchat cannot be compared with others (redis,websocketchat)",
  ],
  ["--db websocketchat --read-only", "--read-only: has no effect on --db websocketchat"],
  ["--hold 1s", "--hold: has no effect, it is for --db websocket"],
  [
    "--db websocket --ws-multi-ip-count 2",
    "--ws-multi-ip-count: has no effect without --ws-multi-ip, add it",
  ],
  [
    "--db websocket --ws-multi-ip --ws-multi-ip-base 10.0.0.1",
    "--ws-multi-ip-base: not a loopback address (10.0.0.1), 127.0.0.0/8",
  ],
  [
    "--db websocket --ws-multi-ip --ws-multi-ip-base 127.255.255.254 --ws-multi-ip-count 3",
    "--ws-multi-ip-count: 3 addresses from 127.255.255.254 leave 127.0.0.0/8",
  ],
  ["--rate 5 --sweep 1,2", "--rate: contradicts --sweep, give one of them"],
  ["--rate x", "--rate: not a rate (x), such as 20000 or 20k"],
  [
    "--rate 5 --pipeline",
    "--pipeline: contradicts an open loop, where a connection has one operation",
  ],
  ["--rate 5 --no-latency", "--no-latency: contradicts an open loop, which is there for latencies"],
  ["--arrival poisson", "--arrival: has no effect without --rate, add it"],
  ["--db map --rate 5", "--rate: has no effect in process, where nothing waits"],
  ["--sweep 5..4/3", "--sweep: ends before it starts (5..4/3)"],
  ["--find-max p98<2ms", "--find-max: not a bound (p98<2ms), such as p99<2ms"],
  [
    "--db kv,",
    "--db: unknown database (), known are kv, redis, valkey, nats, websocketchat, " +
      "websocket, inmemory, map",
  ],
  ["--db kv,rustdb", "--db: kv is there twice"],
  ["--workload queue", "--workload: unknown (queue), known are chat, simple"],
  ["--db kv --redis-url h:1", "--redis-url: has no effect, redis is not in --db"],
  ["--ws-url ws://h:1", "--ws-url: has no effect, websocketchat or websocket is not in --db"],
  [
    "--db nats --url redis://h:1",
    "--url: redis:// is not supported (redis://h:1), expected nats://host:port",
  ],
  [
    "--db redis,valkey --url h:1",
    "--url: says nothing about which of several databases, use --redis-url, --valkey-url",
  ],
  ["--db redis --url h:1 --redis-url h:2", "--url: contradicts --redis-url, give one of them"],
  ["--url http://h:1", "--url: http:// is not supported (http://h:1), expected redis://host:port"],
  ["--url redis://h:x", "--url: not a URL (redis://h:x), expected redis://host:port"],
  [
    "--db redis --threads 2",
    "--threads: has no effect, it is for the kv server that is started here",
  ],
  [
    "--db kv --url h:1 --threads 2",
    "--threads: has no effect, it is for the kv server that is started here",
  ],
  ["--seed 4294967296", "--seed: 4294967296 is above the maximum: 4294967295"],
  [
    "--out x.txt",
    "--out: unknown kind of file (x.txt), its name must end with .json, .html, .csv, .md, .prom, " +
      ".hgrm",
  ],
  ["--out x.hgrm --no-latency", "--out: x.hgrm has latencies, which --no-latency leaves out"],
  ["--fail-if p99<-5%", "--fail-if: p99<-5% is a change, it needs --baseline"],
  ["--fail-if p98>1ms", KNOWN_METRICS],
  ["--fail-if p99>2", "--fail-if: not a bound of p99 (2), such as +10% or 2ms"],
  ["--fail-if fast", "--fail-if: not a condition (fast), such as throughput<-5% or p99>2ms"],
];
for (const [line, message] of refused) {
  test(`parseBenchOptions() refuses ${line}`, () => {
    let thrown: unknown;
    try {
      parse(line);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(UsageError);
    expect((thrown as UsageError).message).toBe(message);
    expect((thrown as UsageError).exitCode).toBe(64);
  });
}

test("parseBenchOptions() refuses words that are no flags", () => {
  expect(() => parse("redis")).toThrow(UsageError);
});
