/** Plans: which phases run for which flags, and where targets are. */
import { expect, test } from "bun:test";
import { parseBenchOptions } from "../cli/bench-options.ts";
import { makePlan } from "./make-plan.ts";
import type { PhasePlan, Plan } from "./plan.ts";

function planOf(line: string): Plan {
  const options = parseBenchOptions(line.split(" "));
  if (options === null) throw new Error("help was printed");
  return makePlan(options);
}

function phaseText(phase: PhasePlan): string {
  const unmeasured = phase.isMeasured ? "" : " unmeasured";
  if (phase.kind === "connect") return `${phase.label} by ${phase.connectorsCount}`;
  const amount = "operations" in phase.amount ? phase.amount.operations : phase.amount.durationMs;
  const rate = phase.schedule === null ? "" : ` @${phase.schedule.ratePerSecond}`;
  const text = `${phase.label} ${amount} x${phase.batchSize}${rate}${unmeasured}`;
  if (phase.kind === "fanout") return text;
  const operations = phase.operations.map(({ operation, weight }) => `${operation}:${weight}`);
  return `${text} ${operations.join(" ")} ${phase.keyDistribution} of ${phase.keysCount}`;
}

function phasesOf(line: string): string[] {
  return planOf(line).phases.map(phaseText);
}

test("makePlan() writes each key once and reads it again", () => {
  const simple = "--workload simple -o 10";
  expect(phasesOf(simple)).toEqual([
    "WRITE (Simple) 10 x1 set:1 sequential of 10",
    "READ (Simple) 10 x1 get:1 sequential of 10",
  ]);
  expect(phasesOf(`${simple} --write-only`)).toHaveLength(1);
});

test("makePlan() calls zero-copy what is read where it lies", () => {
  const labelOf = (line: string) => planOf(`--read-only ${line}`).phases.at(-1)?.label;
  expect(labelOf("--format view")).toBe("READ (Chat) (Zero-Copy)");
  expect(labelOf("--format view --compress-zstd")).toBe("READ (Chat)");
  expect(labelOf("--format cbor")).toBe("READ (Chat)");
});

test("makePlan() fills before reading what the write phase does not write", () => {
  const simple = "--workload simple -o 10";
  expect(phasesOf(`${simple} --read-only --pipeline`)).toEqual([
    "FILL 10 x200 unmeasured set:1 sequential of 10",
    "READ (Simple) 10 x50 get:1 sequential of 10",
  ]);
  expect(phasesOf(`${simple} --keys 7 --pipeline --batch-size 300`)).toEqual([
    "WRITE (Simple) 10 x300 set:1 uniform of 7",
    "FILL 7 x300 unmeasured set:1 sequential of 7",
    "READ (Simple) 10 x300 get:1 uniform of 7",
  ]);
  expect(phasesOf("--workload simple --duration 1s")[1]).toStartWith("FILL 100000 x200 unmeasured");
});

test("makePlan() fills every list of the chat as far as a read reaches", () => {
  expect(phasesOf("-o 10 --num-chats 5 --history-len 4 --read-size 3 --format view")).toEqual([
    "WRITE (Chat) 10 x1 push:1 uniform of 5",
    "FILL 15 x200 unmeasured push:1 sequential of 5",
    "READ (Chat) (Zero-Copy) 10 x1 range:1 uniform of 5",
  ]);
});

test("makePlan() mixes, runs commands, publishes and connects", () => {
  expect(phasesOf("--workload simple -o 10 --ratio 1:9 --keys 5")).toEqual([
    "FILL 5 x200 unmeasured set:1 sequential of 5",
    "MIX 1:9 10 x1 set:1 get:9 uniform of 5",
  ]);
  expect(phasesOf("--workload simple -o 10 --ycsb D --keys 5")[1]).toBe(
    "YCSB D 10 x1 get:95 insert:5 latest of 5",
  );
  expect(phasesOf("--workload simple --command GET -o 9")).toEqual([
    "COMMAND (GET) 9 x1 command:1 uniform of 100000",
  ]);
  expect(phasesOf("--db Nats --pubsub-only -c 100 --num-publishers 10 -o 7")).toEqual([
    "PUBSUB (10P/90S) 7 x1",
  ]);
  expect(phasesOf("--db WebSocketChat -c 100 -o 7")).toEqual(["WS Chat (100 Clients) 7 x1"]);
  expect(phasesOf("--db web-socket -c 3 -o 7")).toEqual(["WS Conn (7 Target) by 3"]);
});

test("makePlan() repeats each measured phase at every rate of a sweep", () => {
  expect(phasesOf("--workload simple -o 10 --sweep 1k..100k/3 --write-only")).toEqual([
    "WRITE (Simple) 10 x1 @1000 set:1 sequential of 10",
    "WRITE (Simple) 10 x1 @10000 set:1 sequential of 10",
    "WRITE (Simple) 10 x1 @100000 set:1 sequential of 10",
  ]);
});

test("makePlan() takes a given URL, then the default; threads are for what is started here", () => {
  const { targets } = planOf("--db kv,redis,valkey --redis-url h:1 --threads 3");
  expect(targets).toEqual([
    { backend: "kv", client: "raw", url: null, threads: 3 },
    { backend: "redis", client: "raw", url: "h:1", threads: null },
    { backend: "valkey", client: "raw", url: "redis://127.0.0.1:6380", threads: null },
  ]);
  expect(planOf("--db kv,nats --pubsub-only --client raw,node-redis,nats").targets).toEqual([
    { backend: "kv", client: "raw", url: null, threads: null },
    { backend: "kv", client: "node-redis", url: null, threads: null },
    { backend: "nats", client: "raw", url: "nats://127.0.0.1:4222", threads: null },
    { backend: "nats", client: "nats", url: "nats://127.0.0.1:4222", threads: null },
  ]);
});
