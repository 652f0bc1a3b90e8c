/**
 * M1: data of several times the memory there is: written, changed, read at random and compared,
 * killed with kill -9 and recovered under the same limit, twice. The map must be in files of the
 * directory meanwhile, as INFO says.
 *
 *     bun test/torture/beyond-memory.ts --limit=320 --data=1280 --seed=7
 *
 * The limit is a cgroup's; with --cgroup=0, or where none can be made, the server is only told
 * (KV_MEMORY_LIMIT) that it has so little: then it uses the same files, and the kernel evicts none
 * of them.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { Prng } from "../../src/base/prng.ts";
import { encodeRequest } from "../../src/resp/encoder.ts";
import type { Reply } from "../../src/resp/reader.ts";
import {
  Client,
  eventually,
  kvCommand,
  type ProcessOptions,
  readyPort,
  run,
  Server,
  temporaryFolder,
} from "../harness.ts";
import { limitMemory, type MemoryLimit } from "./memory-limit.ts";
import { numberOption, seedOption } from "./options.ts";

const MIB = 1024 * 1024;
/** Bytes of requests, or of replies, on their way at a time. */
const BATCH_BYTES = 512 * 1024;
/** Bytes that values are cut from: each one has its own place. */
const SOURCE_BYTES = 1 * MIB;
/** A start under the limit reads all of the data, from a disk that others use as well. */
const START_PATIENCE_MS = 300_000;
const ROUNDS = 2;

export interface BeyondMemoryOptions {
  readonly seed: number;
  readonly limitBytes: number;
  readonly dataBytes: number;
  readonly valueSize: number;
  /** Whether the limit is a cgroup's, or only said. */
  readonly isEnforced: boolean;
}

export interface BeyondMemoryTotals {
  keys: number;
  written: number;
  deleted: number;
  read: number;
  heapFileMib: number;
  /** What the cgroup has had at the most, 0 without one. */
  memoryMibMax: number;
  fillMs: number;
  recoveryMsMax: number;
}

/** Throws at the first value that is wrong, key that is missing, or error. */
export async function outgrowMemory(
  options: BeyondMemoryOptions,
): Promise<BeyondMemoryTotals | null> {
  await using limit = options.isEnforced ? limitMemory(options.limitBytes) : null;
  if (options.isEnforced && limit === null) return null;
  using folder = temporaryFolder();
  const torture = new BeyondMemory(options, join(folder.path, "data"), limit);
  return await torture.run();
}

class BeyondMemory {
  readonly #options: BeyondMemoryOptions;
  readonly #dir: string;
  readonly #limit: MemoryLimit | null;
  readonly #prng: Prng;
  readonly #source: Buffer;
  /** How often each key was written; its sign says whether it is there: below 0 it was deleted. */
  readonly #versions: Int32Array;
  readonly #batch: number;
  readonly #totals: BeyondMemoryTotals;

  constructor(options: BeyondMemoryOptions, dir: string, limit: MemoryLimit | null) {
    this.#options = options;
    this.#dir = dir;
    this.#limit = limit;
    this.#prng = new Prng(options.seed);
    const words = Int32Array.from({ length: SOURCE_BYTES / 4 }, () => this.#prng.int32());
    this.#source = Buffer.from(words.buffer);
    const keys = Math.floor(options.dataBytes / options.valueSize);
    this.#versions = new Int32Array(keys);
    this.#batch = Math.max(1, Math.floor(BATCH_BYTES / options.valueSize));
    this.#totals = {
      ...{ keys, written: 0, deleted: 0, read: 0, heapFileMib: 0, memoryMibMax: 0 },
      ...{ fillMs: 0, recoveryMsMax: 0 },
    };
  }

  async run(): Promise<BeyondMemoryTotals> {
    for (let round = 0; round < ROUNDS; round++) {
      await using server = await this.#start();
      await using client = await Client.connect(server, { bulksAsText: false });
      if (round === 0) await this.#fill(client);
      else await this.#check(client);
      await this.#change(client);
      await this.#read(client);
      server.kill("SIGKILL");
      await server.finished();
    }
    await using server = await this.#start();
    await using client = await Client.connect(server, { bulksAsText: false });
    await this.#check(client);
    server.kill("SIGKILL");
    await server.finished();
    await this.#inspect();
    this.#totals.memoryMibMax = Math.round((this.#limit?.bytesMax() ?? 0) / MIB);
    return this.#totals;
  }

  async #start(): Promise<Server> {
    const args = ["serve", "--port", "0", "--threads", "1", "--dir", this.#dir];
    const beganMs = performance.now();
    const server = new Server(...this.#limited([...kvCommand(), ...args]));
    const isReady = () => readyPort(server.stdout) !== 0 || !server.isRunning;
    await eventually(isReady, "the server is ready", START_PATIENCE_MS);
    server.port = readyPort(server.stdout);
    if (server.port === 0) throw new Error(`Cannot start: ${server.stdout}${server.stderr}`);
    if (this.#totals.written > 0) {
      const tookMs = Math.round(performance.now() - beganMs);
      this.#totals.recoveryMsMax = Math.max(this.#totals.recoveryMsMax, tookMs);
    }
    return server;
  }

  /** `kv check` finds it sound, within the same limit, and leaves nothing behind. */
  async #inspect(): Promise<void> {
    const { exitCode, stdout, stderr } = await run(
      ...this.#limited([...kvCommand(), "check", "--dir", this.#dir]),
    );
    const keys = Number(/ database 0 +(\d+) keys/.exec(stdout)?.[1]);
    if (exitCode !== 0 || keys !== this.#wantedCount())
      throw new Error(`check: ${stdout}${stderr}`);
    const left = readdirSync(this.#dir).filter((name) => name.startsWith("heap-"));
    if (left.length > 0) throw new Error(`check leaves ${left}`);
  }

  /** A command line within the limit, and its options. */
  #limited(command: readonly string[]): [string[], ProcessOptions] {
    const limit = this.#limit;
    if (limit !== null) return [limit.commandIn(command), {}];
    return [[...command], { env: { KV_MEMORY_LIMIT: String(this.#options.limitBytes) } }];
  }

  #wantedCount(): number {
    return this.#versions.reduce((sum, version) => sum + (version > 0 ? 1 : 0), 0);
  }

  // ---- Values ----

  #key(i: number): string {
    return `key:${String(i).padStart(12, "0")}`;
  }

  /** What a key holds at a version: which of both it is, and bytes that follow from them. */
  #value(i: number, version: number): Buffer {
    const size = this.#options.valueSize;
    const from = Math.imul(i * 31 + version, 0x9e37_79b1) >>> 0;
    const start = from % (SOURCE_BYTES - size);
    const value = Buffer.from(this.#source.subarray(start, start + size));
    value.write(`${i}:${version};`, 0, "latin1");
    return value;
  }

  /** Sends requests; every reply must be the expected one, an Error replies that none is. */
  async #send(client: Client, requests: Uint8Array[], isRight: (reply: Reply, n: number) => void) {
    client.send(Buffer.concat(requests));
    const replies = await client.nextMany(requests.length);
    for (const [n, reply] of replies.entries()) isRight(reply, n);
  }

  // ---- Loads ----

  async #fill(client: Client): Promise<void> {
    const beganMs = performance.now();
    for (let from = 0; from < this.#versions.length; from += this.#batch) {
      const end = Math.min(this.#versions.length, from + this.#batch);
      await this.#write(
        client,
        Array.from({ length: end - from }, (_, n) => from + n),
      );
    }
    this.#totals.fillMs = Math.round(performance.now() - beganMs);
  }

  async #write(client: Client, numbers: readonly number[]): Promise<void> {
    const requests = numbers.map((i) => {
      const version = Math.abs(this.#versions[i] as number) + 1;
      this.#versions[i] = version;
      return encodeRequest("SET", this.#key(i), this.#value(i, version));
    });
    await this.#send(client, requests, (reply) => {
      if (reply !== "OK") throw new Error(`SET: ${reply}`);
    });
    this.#totals.written += numbers.length;
  }

  /** Overwrites a sixteenth of the keys and deletes half as many, at random. */
  async #change(client: Client): Promise<void> {
    const count = this.#versions.length >>> 4;
    for (let done = 0; done < count; done += this.#batch) {
      await this.#write(client, this.#some());
      await this.#delete(client, this.#some().slice(this.#batch >>> 1));
    }
  }

  #some(): number[] {
    return Array.from({ length: this.#batch }, () => this.#prng.below(this.#versions.length));
  }

  async #delete(client: Client, numbers: readonly number[]): Promise<void> {
    const expected = numbers.map((i) => {
      const version = this.#versions[i] as number;
      this.#versions[i] = -Math.abs(version);
      return version > 0 ? 1 : 0;
    });
    const requests = numbers.map((i) => encodeRequest("DEL", this.#key(i)));
    await this.#send(client, requests, (reply, n) => {
      const i = numbers[n] as number;
      if (reply !== expected[n]) throw new Error(`DEL of key ${i}: ${reply}`);
      this.#totals.deleted += expected[n] as number;
    });
  }

  /** Reads an eighth of the keys at random. */
  async #read(client: Client): Promise<void> {
    const count = this.#versions.length >>> 3;
    for (let done = 0; done < count; done += this.#batch) {
      const numbers = this.#some();
      const requests = numbers.map((i) => encodeRequest("GET", this.#key(i)));
      await this.#send(client, requests, (reply, n) => this.#compare(numbers[n] as number, reply));
      this.#totals.read += numbers.length;
    }
  }

  #compare(i: number, reply: Reply): void {
    const version = this.#versions[i] as number;
    const wanted = version > 0 ? this.#value(i, version) : null;
    if (wanted === null ? reply === null : Buffer.isBuffer(reply) && wanted.equals(reply)) return;
    const found = Buffer.isBuffer(reply) ? reply.toString("latin1", 0, 40) : String(reply);
    throw new Error(`key ${i}, version ${version}, is wrong: ${JSON.stringify(found)}`);
  }

  /** After a recovery: how many keys there are, values at random, and where the map is. */
  async #check(client: Client): Promise<void> {
    const wanted = this.#wantedCount();
    const found = await client.command("DBSIZE");
    if (found !== wanted) throw new Error(`${found} keys are there instead of ${wanted}`);
    await this.#read(client);
    const info = String(await client.command("INFO"));
    const bytes = Number(/^heap_file_bytes:(\d+)/m.exec(info)?.[1] ?? 0);
    if (bytes === 0) throw new Error("no part of the map is in files");
    this.#totals.heapFileMib = Math.max(this.#totals.heapFileMib, Math.round(bytes / MIB));
  }
}

if (import.meta.main) {
  const options: BeyondMemoryOptions = {
    seed: seedOption(),
    limitBytes: numberOption("limit", 320) * MIB,
    dataBytes: numberOption("data", 1280) * MIB,
    valueSize: numberOption("value", 1024),
    isEnforced: numberOption("cgroup", 1) === 1,
  };
  console.log(`torture beyond-memory: ${JSON.stringify(options)}`);
  console.log(await outgrowMemory(options));
}
