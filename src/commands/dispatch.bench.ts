/**
 * Measures a batch from request bytes to reply bytes, without a socket: ns per request.
 *
 *      bun src/commands/dispatch.bench.ts
 *
 * At depth 1 the two clock reads and the two epoch stores of a batch show; at depth 50 what is left
 * is parsing, names, hashes, prefetch and the handler. The last rows are the look-up of names
 * alone.
 */
import { bench, do_not_optimize, run } from "mitata";
import { unreachable } from "../base/assert.ts";
import { BATCH_COMMANDS_MAX } from "../base/limits.ts";
import { createServerStatsMemory, ServerStats } from "../base/server-stats.ts";
import { Settings } from "../base/settings.ts";
import { pubsubOfOneWorker } from "../pubsub/one-worker.ts";
import { RequestEncoder } from "../resp/encoder.ts";
import { ParseStatus, RequestParser } from "../resp/parser.ts";
import { PartialRequest } from "../resp/partial-request.ts";
import { ReplyWriter } from "../resp/writer.ts";
import { attachStore, createStore, type Store } from "../store/store.ts";
import { Dispatcher } from "./dispatch.ts";
import { NameMemo } from "./name-memo.ts";
import { registry } from "./registry.ts";
import type { ServerContext } from "./server-context.ts";
import { Session } from "./session.ts";
import { SlowLog } from "./slow-log.ts";

const LIMITS = {
  multibulkCountMax: 1024 * 1024,
  bulkSizeMax: 512 * 1024 * 1024,
  inlineSizeMax: 64 * 1024,
  authenticated: true,
};

/**
 * A dispatcher without sockets and Workers: request bytes in, reply bytes out. For the tests, too.
 */
export class DispatchDriver {
  readonly settings = new Settings();
  readonly stats = new ServerStats(createServerStatsMemory(1), 0, 1);
  readonly slowlog = new SlowLog(this.settings, this.stats);
  readonly out = new ReplyWriter(64 * 1024);
  readonly parser = new RequestParser();
  readonly dispatcher: Dispatcher;
  readonly session = new Session(1, "127.0.0.1:1", "127.0.0.1:2", true, 0);
  readonly #partial = new PartialRequest();

  /** `reserveBytes`: address space for the records of its store; or another `store`. */
  constructor(reserveBytes: number, store?: Store) {
    const server: ServerContext = {
      settings: this.settings,
      stats: this.stats,
      slowlog: this.slowlog,
      store: store ?? attachStore(createStore({ reserveBytes, workers: 1 }), 0),
      pubsub: pubsubOfOneWorker(),
      peers: { ask: () => Promise.resolve([]) },
      workerIndex: 0,
      threads: 1,
      port: 0,
      startedMs: 0,
      runId: "0".repeat(40),
      executable: "",
      sessions: () => [this.session],
      subscriberOf: () => unreachable("nobody subscribes here"),
      closeSession: () => {},
      settingsChanged: () => {},
      shutdown: () => {},
    };
    this.dispatcher = new Dispatcher(server, this.parser, this.out);
    this.session.isAuthenticated = true;
  }

  /** Runs all requests in `bytes`, which must be whole; the replies are in `out`. Hot. */
  run(bytes: Buffer): void {
    const { parser, dispatcher, session } = this;
    let at = 0;
    for (;;) {
      const status = parser.parse(
        bytes,
        at,
        bytes.length,
        LIMITS,
        this.#partial,
        BATCH_COMMANDS_MAX,
      );
      const count = parser.commandsCount;
      for (let next = 0; next < count; ) next = dispatcher.run(session, next);
      at = parser.consumed;
      if (status !== ParseStatus.Full) return;
    }
  }

  /** The same with text, as inline requests or RESP; returns the replies as latin1 text. */
  replies(requests: string): string {
    this.out.length = 0;
    this.run(Buffer.from(requests, "latin1"));
    return this.out.bytes.toString("latin1", 0, this.out.length);
  }
}

const VALUE = "x".repeat(128);
const RESERVE_SIZE = 256 * 1024 * 1024;

/** `count` requests on different keys, as redis-benchmark sends them. */
function makeBatch(name: "get" | "set" | "ping", count: number, keysCount: number): Buffer {
  const encoder = new RequestEncoder(256);
  for (let i = 0; i < count; i++) {
    const key = `key:${String((i * 7919) % keysCount).padStart(12, "0")}`;
    if (name === "ping") encoder.command("PING");
    else if (name === "get") encoder.command("GET", key);
    else encoder.command("SET", key, VALUE);
  }
  return Buffer.from(encoder.bytes.subarray(0, encoder.length));
}

/** Runs every shape `rounds` times; returns the bytes replied: the work was done. */
export function runDispatchBench(driver: DispatchDriver, rounds: number): number {
  let repliedBytes = 0;
  for (let round = 0; round < rounds; round++) {
    for (const depth of [1, 50]) {
      for (const name of ["set", "get", "ping"] as const) {
        driver.out.length = 0;
        driver.run(makeBatch(name, depth, 1000));
        repliedBytes += driver.out.length;
      }
    }
  }
  return repliedBytes;
}

if (import.meta.main) {
  const driver = new DispatchDriver(RESERVE_SIZE);
  process.stdout.write(`checksum ${runDispatchBench(driver, 2000)}\n`);
  for (const depth of [1, 50]) {
    for (const name of ["set", "get", "ping"] as const) {
      const batch = makeBatch(name, depth, 1000);
      bench(`${name} x${depth} (time of the whole batch)`, () => {
        driver.out.length = 0;
        driver.run(batch);
        return do_not_optimize(driver.out.length);
      });
    }
  }
  benchNames();
  await run();
}

/** The names of a mixed batch, through the memo and through the table: two loops of their own. */
function benchNames(): void {
  const names = ["GET", "SET", "incr", "LRANGE"];
  const bytes = Buffer.from(names.join("").repeat(12));
  const starts = new Int32Array(48);
  const lengths = new Int32Array(48);
  for (let i = 0, at = 0; i < 48; i++) {
    starts[i] = at;
    lengths[i] = (names[i % 4] as string).length;
    at += lengths[i] as number;
  }
  const memo = new NameMemo(registry.lookup);
  const table = registry.lookup;
  bench("48 names through the memo", () => {
    for (let i = 0; i < 48; i++) {
      do_not_optimize(memo.find(bytes, starts[i] as number, lengths[i] as number));
    }
  });
  bench("48 names through the table", () => {
    for (let i = 0; i < 48; i++) {
      do_not_optimize(table.find(bytes, starts[i] as number, lengths[i] as number));
    }
  });
}
