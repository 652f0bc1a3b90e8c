/**
 * Scripted servers, and phases to run against them, for the tests of the loops.
 */
import type { Endpoint } from "../drivers/resp-connection.ts";
import type { RequestPhase, Schedule } from "../plan.ts";
import { KeySpace } from "../workloads/key-space.ts";
import { createEncoder, type LoadPlan } from "../workloads/make-encoder.ts";
import { createValues } from "../workloads/values.ts";
import { LocalLoad } from "./local-load.ts";

export type Socket = Bun.Socket<{ bytes: Buffer }>;

/**
 * A server on a free port; `answer` gets what a connection has sent so far and returns the rest.
 */
export function serve(answer: (socket: Socket, bytes: Buffer) => Buffer) {
  const listener = Bun.listen<{ bytes: Buffer }>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open: (socket) => {
        socket.data = { bytes: Buffer.alloc(0) };
      },
      data: (socket, bytes) => {
        socket.data.bytes = answer(socket, Buffer.concat([socket.data.bytes, bytes]));
      },
      drain: flush,
    },
  });
  const endpoint = { host: "127.0.0.1", port: listener.port };
  return { endpoint, [Symbol.dispose]: () => listener.stop(true) };
}

/** Answers every request of `requestSize` bytes with `reply` of its number on the connection. */
export function answerEach(requestSize: number, reply: (index: number) => string) {
  let index = 0;
  return (socket: Socket, bytes: Buffer): Buffer => {
    let at = 0;
    let text = "";
    for (; at + requestSize <= bytes.length; at += requestSize) text += reply(index++);
    if (text !== "") socket.write(text);
    return bytes.subarray(at);
  };
}

export interface PhaseOptions {
  request: "set" | "get";
  operations: number;
  batchSize: number;
  valueSize?: number;
  connections?: number;
  schedule?: Schedule;
  isVerifying?: boolean;
}

export function phase(options: PhaseOptions) {
  const { request, operations, batchSize } = options;
  const requestPhase: RequestPhase = {
    kind: "requests",
    name: request === "set" ? "write" : "read",
    label: "",
    isMeasured: true,
    warmupMs: 0,
    amount: { operations },
    batchSize,
    schedule: options.schedule ?? null,
    operations: [{ operation: request, weight: 1 }],
    keyDistribution: "sequential",
    keysCount: operations,
    command: null,
  };
  const size = `${options.valueSize ?? 3}`;
  const plan: LoadPlan = {
    values: { size, format: "string", zstdLevel: null, compressibility: 0 },
    chat: { chatsCount: 1, historyLength: 1, readSize: 1 },
    seed: 1,
    isVerifying: options.isVerifying ?? false,
    isTimingLatency: true,
    timeoutMs: 30_000,
    concurrency: options.connections ?? 1,
    workersCount: 1,
    worker: 0,
  };
  const values = createValues(plan.values, plan.seed);
  const space = new KeySpace(operations, 0, 1);
  const encoder = createEncoder(requestPhase, plan, values, space, "measured");
  const requestSize = encoder.encode(1, null);
  return { requestPhase, plan, values, requestSize };
}

/** Connects to the server and runs the phase. */
export async function runPhase(
  endpoint: Endpoint,
  { requestPhase, plan }: ReturnType<typeof phase>,
) {
  const load = await LocalLoad.connect({ endpoint, setup: [], plan, phases: [requestPhase] });
  try {
    return await load.run(requestPhase, null);
  } finally {
    await load.close();
  }
}

/** Bytes that the kernel did not take, in order, per socket of a scripted server. */
const queues = new Map<Socket, Buffer[]>();

export function queue(socket: Socket, bytes: Buffer): void {
  const waiting = queues.get(socket) ?? [];
  queues.set(socket, waiting);
  waiting.push(bytes);
  if (waiting.length === 1) flush(socket);
}

function flush(socket: Socket): void {
  const waiting = queues.get(socket) ?? [];
  while (waiting[0] !== undefined) {
    const written = socket.write(waiting[0]);
    if (written < waiting[0].length) {
      waiting[0] = waiting[0].subarray(written);
      return;
    }
    waiting.shift();
  }
}
