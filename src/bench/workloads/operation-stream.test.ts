/** Operations for clients of keys and values: the same as the raw client encodes. */
import { expect, test } from "bun:test";
import { requestWords } from "../drivers/request-words.ts";
import type { OperationName, RequestPhase } from "../plan.ts";
import { KeySpace } from "./key-space.ts";
import { createEncoder, createStream, type Draw, type LoadPlan } from "./make-encoder.ts";
import { KeyTexts } from "./operation-stream.ts";
import { createValues } from "./values.ts";

const PLAN: LoadPlan = {
  values: { size: "10-20", format: "string", zstdLevel: null, compressibility: 0 },
  chat: { chatsCount: 10, historyLength: 6, readSize: 4 },
  seed: 11,
  isVerifying: true,
  isTimingLatency: true,
  timeoutMs: 1000,
  concurrency: 3,
  workersCount: 1,
  worker: 0,
};
const KEYS_COUNT = 40;
const OPERATIONS = 500;

function phaseOf(operations: OperationName[], keyDistribution: string): RequestPhase {
  return {
    kind: "requests",
    name: "mix",
    label: "",
    isMeasured: true,
    warmupMs: 0,
    amount: { operations: OPERATIONS },
    batchSize: 1,
    schedule: null,
    operations: operations.map((operation, index) => ({ operation, weight: index + 1 })),
    keyDistribution,
    keysCount: KEYS_COUNT,
    command: null,
  };
}

/** The first request of each operation, as the raw client encodes it. */
function encoded(phase: RequestPhase, draw: Draw): string[] {
  const values = createValues(PLAN.values, PLAN.seed);
  const encoder = createEncoder(phase, PLAN, values, new KeySpace(KEYS_COUNT, 0, 1), draw);
  return Array.from({ length: OPERATIONS }, () => {
    const bytes = Buffer.from(encoder.bytes.subarray(0, encoder.encode(1, null)));
    const words = requestWords(bytes, bytes.length).map(String);
    // LTRIM behind LPUSH.
    return (words[0] === "LPUSH" ? words.slice(0, 3) : words).join(" ");
  });
}

/** The same from a stream. */
function streamed(phase: RequestPhase, draw: Draw): string[] {
  const values = createValues(PLAN.values, PLAN.seed);
  const stream = createStream(phase, PLAN, new KeySpace(KEYS_COUNT, 0, 1), draw);
  const keys = new KeyTexts("simple", PLAN.seed);
  const lists = new KeyTexts("chat", PLAN.seed);
  return Array.from({ length: OPERATIONS }, () => {
    stream.next();
    const { key, argument } = stream;
    const name = stream.names[stream.operation];
    if (name === "push") return `LPUSH ${lists.of(key)} ${values.bytesOf(argument)}`;
    if (name === "range") return `LRANGE ${lists.of(key)} 0 3`;
    if (name === "scan") {
      return ["MGET", ...Array.from({ length: argument }, (_, i) => keys.of(key + i))].join(" ");
    }
    if (name === "get" || name === "rmw") return `GET ${keys.of(key)}`;
    return `SET ${keys.of(key)} ${values.bytesOf(key)}`;
  });
}

const CASES: [OperationName[], string][] = [
  [["set"], "sequential"],
  [["get"], "uniform"],
  [["set", "get", "rmw"], "zipf"],
  [["scan", "insert"], "uniform"],
  [["push", "range"], "hotspot"],
];

for (const [operations, distribution] of CASES) {
  for (const draw of ["measured", "warm-up"] as const) {
    const what = `${operations.join(", ")} of ${distribution} keys, ${draw}`;
    test(`OperationStream draws what the raw client sends: ${what}`, () => {
      const phase = phaseOf(operations, distribution);
      const expected = encoded(phase, draw);
      expect(streamed(phase, draw)).toEqual(expected);
      expect(new Set(expected).size).toBeGreaterThan(20);
    });
  }
}

test("KeyTexts has ten digits for every key", () => {
  const keys = new KeyTexts("simple", 1);
  for (const key of [0, 99_999, 100_000, 2 ** 31 - 2]) {
    expect(keys.of(key).split(":")[1]).toBe(String(key).padStart(10, "0"));
  }
});
