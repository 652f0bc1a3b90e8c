/**
 * C2: what disks and hands do to files, on a copy of a store in which everything is durable: cut
 * off, a page zeroed, doubled, swapped with another, from an older use of the segment, garbage
 * behind the end. Where that changes a byte that is relied upon (live-bytes.ts) it must be refused;
 * elsewhere it may be, or must change nothing of what comes back. A wrong value, and a start that
 * fails with anything but a clear error, is the failure.
 *
 *     bun test/torture/damage.ts --cuts=1000 --pages=1000 --seed=7
 */
import {
  closeSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { Prng } from "../../src/base/prng.ts";
import { type ByteRange, LIVE_KINDS, mapBytes } from "./live-bytes.ts";
import { memoryFolder, numberOption, seedOption } from "./options.ts";
import { makeReusedSample, outcomeOf, type Sample } from "./sample.ts";

const PAGE = 4096;
const GARBAGE_MAX = 2 * PAGE;
const KINDS = ["cut", "zeroed", "doubled", "swapped", "older", "appended"] as const;
type Kind = (typeof KINDS)[number];

export interface DamageOptions {
  readonly seed: number;
  /** Random lengths that files of each kind are cut to. */
  readonly cuts: number;
  /** Trials of each of the other kinds of damage. */
  readonly pages: number;
  /** Cuts around every so-manieth page boundary of the tail segment; 1 for all. */
  readonly boundaryStep: number;
}

export interface DamageTotals {
  trials: number;
  /** Trials that changed a live byte: all of them were refused. */
  live: number;
  refused: number;
  /** A slot of the mark was damaged, the other one was used. */
  mended: number;
  harmless: number;
  readonly byKind: Record<Kind, number>;
}

/** Damages a store in every way, one at a time. Throws when a wrong value comes back. */
export function damageFiles(options: DamageOptions): DamageTotals {
  using folder = memoryFolder();
  const sample = makeReusedSample(join(folder.path, "data"));
  return new Damage(sample, new Prng(options.seed)).run(options);
}

class Damage {
  readonly #sample: Sample;
  readonly #prng: Prng;
  /** One name of each kind of file, the tail segment first. */
  readonly #names: readonly string[];
  /** Live bytes of each file that has any. */
  readonly #live: ReadonlyMap<string, readonly ByteRange[]>;
  readonly #totals: DamageTotals = {
    trials: 0,
    live: 0,
    refused: 0,
    mended: 0,
    harmless: 0,
    byKind: { cut: 0, zeroed: 0, doubled: 0, swapped: 0, older: 0, appended: 0 },
  };

  constructor(sample: Sample, prng: Prng) {
    this.#sample = sample;
    this.#prng = prng;
    const ranges = mapBytes(sample.dir);
    const live = LIVE_KINDS.flatMap((kind) => ranges.get(kind) ?? []);
    this.#live = Map.groupBy(live, ({ name }) => name);
    const all = readdirSync(sample.dir);
    const other = all.find((name) => name.startsWith("log-") && name !== sample.tail);
    const shards = all.filter((name) => name.startsWith("shard-"));
    this.#names = [sample.tail, other ?? sample.tail, "manifest", "mark", prng.pick(shards)];
  }

  run({ cuts, pages, boundaryStep }: DamageOptions): DamageTotals {
    const boundary = PAGE * boundaryStep;
    for (let at = boundary; at <= this.#sample.tailEnd; at += boundary) {
      for (const size of [at - 1, at, at + 1]) this.#cut(this.#sample.tail, size);
    }
    for (const name of this.#names) {
      for (let i = 0; i < cuts; i++) this.#cut(name, this.#prng.below(this.#sizeOf(name)));
      for (let i = 0; i < pages; i++) this.#damagePages(name);
    }
    for (let i = 0; i < pages; i++) this.#putOlder();
    return this.#totals;
  }

  #sizeOf(name: string): number {
    return statSync(join(this.#sample.dir, name)).size;
  }

  #cut(name: string, size: number): void {
    const path = join(this.#sample.dir, name);
    const rest = read(path, size, this.#sizeOf(name) - size);
    truncateSync(path, size);
    // Of a file that is not as long as it should be nothing is used.
    const isLive = this.#live.has(name);
    this.#try("cut", `${name} cut to ${size} bytes`, isLive, () => write(path, size, rest));
  }

  /** A page of the file, more often than not one that holds what is needed. */
  #page(name: string): number {
    const { tail, tailEnd } = this.#sample;
    const isNeeded = name === tail && this.#prng.below(4) > 0;
    const size = isNeeded ? tailEnd : this.#sizeOf(name);
    return this.#prng.below(Math.ceil(size / PAGE)) * PAGE;
  }

  #damagePages(name: string): void {
    const path = join(this.#sample.dir, name);
    const [a, b] = [this.#page(name), this.#page(name)];
    const [first, second] = [read(path, a, PAGE), read(path, b, PAGE)];
    this.#put("zeroed", name, a, Buffer.alloc(first.length));
    // What is behind the end of a file cannot be swapped into it.
    if (first.length === second.length) {
      this.#put("doubled", name, b, first);
      write(path, a, second);
      write(path, b, first);
      const isLive = this.#isLive(name, a, first, second) || this.#isLive(name, b, second, first);
      this.#try("swapped", `${name}: pages at ${a} and ${b} swapped`, isLive, () => {
        write(path, a, first);
        write(path, b, second);
      });
    }
    const garbage = Buffer.alloc(1 + this.#prng.below(GARBAGE_MAX));
    this.#prng.fill(garbage);
    const size = this.#sizeOf(name);
    write(path, size, garbage);
    const isLive = this.#live.has(name);
    this.#try("appended", `${name}: ${garbage.length} bytes appended`, isLive, () =>
      truncateSync(path, size),
    );
  }

  /** A write to the tail segment was lost: a page is what it was before the segment was reused. */
  #putOlder(): void {
    const { tail, olderTail } = this.#sample;
    const at = this.#page(tail);
    this.#put("older", tail, at, Buffer.from(olderTail.subarray(at, at + PAGE)));
  }

  #put(kind: Kind, name: string, at: number, bytes: Buffer): void {
    const path = join(this.#sample.dir, name);
    const before = read(path, at, bytes.length);
    write(path, at, bytes);
    const isLive = this.#isLive(name, at, before, bytes);
    this.#try(kind, `${name}: page at ${at} ${kind}`, isLive, () => write(path, at, before));
  }

  /** Whether a live byte of what was at `at` is another one in `after`, which is as long. */
  #isLive(name: string, at: number, before: Buffer, after: Buffer): boolean {
    const ranges = this.#live.get(name) ?? [];
    return ranges.some(({ from, to }) => {
      const [start, end] = [Math.max(from, at) - at, Math.min(to, at + before.length) - at];
      return start < end && before.compare(after, start, end, start, end) !== 0;
    });
  }

  #try(kind: Kind, what: string, isLive: boolean, mend: () => void): void {
    const totals = this.#totals;
    try {
      const outcome = outcomeOf(this.#sample);
      if (isLive && outcome !== "refused") throw new Error("live bytes are damaged, unnoticed");
      totals[outcome]++;
    } catch (error) {
      throw new Error(what, { cause: error });
    } finally {
      mend();
    }
    totals.trials++;
    if (isLive) totals.live++;
    totals.byKind[kind]++;
  }
}

function read(path: string, at: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  const descriptor = openSync(path, "r");
  const length = readSync(descriptor, bytes, 0, size, at);
  closeSync(descriptor);
  return bytes.subarray(0, length);
}

function write(path: string, at: number, bytes: Buffer): void {
  const descriptor = openSync(path, "r+");
  writeSync(descriptor, bytes, 0, bytes.length, at);
  closeSync(descriptor);
}

if (import.meta.main) {
  const seed = seedOption();
  console.log(`torture damage: --seed=${seed}`);
  const [cuts, pages] = [numberOption("cuts", 1000), numberOption("pages", 1000)];
  console.log(damageFiles({ seed, cuts, pages, boundaryStep: numberOption("step", 1) }));
}
