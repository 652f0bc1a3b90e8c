/**
 * A disk of the simulation: one directory in memory that forgets what was not flushed.
 *
 *   page cache   what processes see: `write` and mapped views change it at once
 *   durable      what was flushed: fdatasync of a file copies its pages, fsync of the directory its
 *                names; now and then the kernel writes a page or a name back by itself
 *
 * `kill` leaves the page cache as it is. `losePower` decides for every page that differs whether it
 * is the old one, the new one or a mixture of their sectors, for every length and every name
 * whether it is the old or the new one; what is lost is lost for good.
 *
 * It stands for node:fs and Bun.mmap in the modules that the simulation loads: only the functions
 * that the store uses, only with the flags that it uses.
 */
import { AssertionError, assert } from "../../src/base/assert.ts";
import type { Prng } from "../../src/base/prng.ts";

const PAGE_SIZE = 4096;
const SECTOR_SIZE = 512;
const FIRST_DESCRIPTOR = 100;
/** Of so many writes, one is short. */
const SHORT_WRITE_ONE_IN = 6;

class FakeFile {
  /** The page cache. Mapped views share the buffer, so a mapped file must not grow. */
  bytes = new Uint8Array(PAGE_SIZE);
  size = 0;
  durable = new Uint8Array(0);
  isMapped = false;

  grow(size: number): void {
    if (size > this.bytes.length) {
      assert(!this.isMapped, "a mapped file does not grow");
      const larger = new Uint8Array(Math.max(size, this.bytes.length * 2));
      larger.set(this.bytes);
      this.bytes = larger;
    }
    this.size = Math.max(this.size, size);
  }

  flush(): void {
    this.durable = this.bytes.slice(0, this.size);
  }

  /** The bytes of [start, end) as of the last flush; what was never flushed is zeros. */
  durablePart(start: number, end: number): Uint8Array {
    const part = new Uint8Array(end - start);
    part.set(this.durable.subarray(start, end));
    return part;
  }

  /** The kernel writes one page back. */
  writeBack(page: number): void {
    const start = page * PAGE_SIZE;
    const end = Math.min(this.size, start + PAGE_SIZE);
    if (start >= end) return;
    const durable = new Uint8Array(Math.max(this.durable.length, end));
    durable.set(this.durable);
    durable.set(this.bytes.subarray(start, end), start);
    this.durable = durable;
  }

  /** What a loss of power leaves. `keeps` decides for each sector whether it is the new one. */
  afterPowerLoss(prng: Prng, keeps: () => boolean): FakeFile {
    const left = new FakeFile();
    const lengths = [this.durable.length, this.size];
    left.grow(lengths[keeps() ? 1 : 0] as number);
    for (let start = 0; start < left.size; start += PAGE_SIZE) {
      const end = Math.min(left.size, start + PAGE_SIZE);
      const isTorn = prng.chance(4);
      let isNew = keeps();
      for (let at = start; at < end; at += SECTOR_SIZE) {
        if (isTorn) isNew = keeps();
        const to = Math.min(end, at + SECTOR_SIZE);
        const sector = isNew ? this.bytes.subarray(at, to) : this.durablePart(at, to);
        left.bytes.set(sector, at);
      }
    }
    left.flush();
    return left;
  }
}

/** What an operation on files does. */
export type Change = "make" | "write" | "flush" | "rename" | "replace" | "remove";

interface Descriptor {
  readonly name: string;
  /** null: the directory. */
  readonly file: FakeFile | null;
}

export class FakeDisk {
  readonly dir: string;
  /** Changing operations that the running process may still do; then every operation throws. */
  operationsLeft = Number.POSITIVE_INFINITY;
  /** Whether a write to this file finds the disk full. */
  isFull: (name: string) => boolean = () => false;
  /** Called before every changing operation. */
  onOperation: (kind: Change) => void = () => {};
  /** The process was ended so: whatever it says afterwards, nobody has heard. */
  hasEnded = false;
  #prng: Prng;
  #names = new Map<string, FakeFile>();
  #durableNames = new Map<string, FakeFile>();
  #descriptors = new Map<number, Descriptor>();
  #nextDescriptor = FIRST_DESCRIPTOR;

  constructor(dir: string, prng: Prng) {
    this.dir = dir;
    this.#prng = prng;
  }

  /** The process has ended; the page cache is whole. */
  kill(): void {
    this.#descriptors.clear();
    this.operationsLeft = Number.POSITIVE_INFINITY;
    this.hasEnded = false;
    this.onOperation = () => {};
    this.isFull = () => false;
  }

  losePower(): void {
    this.kill();
    const prng = this.#prng;
    // Mostly a mixture, sometimes nearly everything or nearly nothing of what was not flushed.
    const newOneIn8 = prng.pick([0, 1, 4, 4, 7, 8]);
    const keeps = (): boolean => prng.below(8) < newOneIn8;
    const newNamesOneIn8 = prng.between(1, 7);
    const left = new Map<FakeFile, FakeFile>();
    const names = new Map<string, FakeFile>();
    for (const name of new Set([...this.#durableNames.keys(), ...this.#names.keys()])) {
      const entry = (prng.below(8) < newNamesOneIn8 ? this.#names : this.#durableNames).get(name);
      if (entry === undefined) continue;
      const file = left.get(entry) ?? entry.afterPowerLoss(prng, keeps);
      left.set(entry, file);
      names.set(name, file);
    }
    this.#names = names;
    this.#durableNames = new Map(names);
  }

  /** The kernel writes something back by itself: a page, or a name. */
  writeBack(): void {
    const names = [...this.#names.keys()];
    if (names.length === 0) return;
    const name = this.#prng.pick(names);
    const file = this.#names.get(name) as FakeFile;
    if (this.#prng.chance(4)) this.#durableNames.set(name, file);
    else file.writeBack(this.#prng.below(Math.ceil(file.size / PAGE_SIZE) + 1));
  }

  // ---- What stands for node:fs ------------------------------------------------------------------

  /** The functions of node:fs that the store imports. */
  readonly fs = {
    statfsSync: () => ({ blocks: 0, bfree: 0, bsize: 0 }),
    openSync: (path: string, flags: string) => this.#open(path, flags),
    closeSync: (descriptor: number) => {
      this.#operation("none");
      assert(this.#descriptors.delete(descriptor), `descriptor ${descriptor} is open`);
    },
    writeSync: (
      descriptor: number,
      bytes: Uint8Array,
      from: number,
      length: number,
      at: number | null,
    ) => this.#write(descriptor, bytes, from, length, at),
    readSync: (descriptor: number, into: Uint8Array, to: number, length: number, at: number) => {
      const { bytes, size } = this.#fileOf(descriptor);
      const part = bytes.subarray(at, Math.min(size, at + length));
      into.set(part, to);
      return part.length;
    },
    fdatasyncSync: (descriptor: number) => {
      this.#operation("flush");
      this.#fileOf(descriptor).flush();
    },
    fsyncSync: (descriptor: number) => {
      this.#operation("flush");
      assert(this.#descriptors.get(descriptor)?.file === null, "only the directory is fsynced");
      this.#durableNames = new Map(this.#names);
    },
    renameSync: (from: string, to: string) => {
      this.#operation(this.#names.has(this.#nameOf(to)) ? "replace" : "rename");
      const file = this.#existing(from);
      this.#names.delete(this.#nameOf(from));
      this.#names.set(this.#nameOf(to), file);
    },
    rmSync: (path: string, { force = false } = {}) => {
      this.#operation("remove");
      if (!this.#names.delete(this.#nameOf(path)) && !force) throw missing(path);
    },
    readFileSync: (path: string) => {
      const { bytes, size } = this.#existing(path);
      return Buffer.from(bytes.slice(0, size));
    },
    readdirSync: () => [...this.#names.keys()],
    statSync: (path: string, { throwIfNoEntry = true } = {}) => this.#stat(path, throwIfNoEntry),
    fstatSync: (descriptor: number) => ({ size: this.#fileOf(descriptor).size }),
    accessSync: () => {},
    chmodSync: () => {},
    mkdirSync: () => {},
    constants: { R_OK: 4, W_OK: 2, X_OK: 1 },
  };

  mmap(path: string): Uint8Array {
    const file = this.#existing(path);
    file.isMapped = true;
    return file.bytes.subarray(0, file.size);
  }

  /** Every operation is a place where the process may end. */
  #operation(kind: Change | "none"): void {
    if (this.operationsLeft <= 0) {
      this.hasEnded = true;
      throw new Error("the process has ended");
    }
    if (kind === "none") return;
    this.operationsLeft--;
    this.onOperation(kind);
  }

  #nameOf(path: string): string {
    assert(path.startsWith(`${this.dir}/`), `${path} is in the store's directory`);
    return path.slice(this.dir.length + 1);
  }

  #existing(path: string): FakeFile {
    const file = this.#names.get(this.#nameOf(path));
    if (file === undefined) throw missing(path);
    return file;
  }

  #fileOf(descriptor: number): FakeFile {
    const file = this.#descriptors.get(descriptor)?.file;
    if (!file) throw new AssertionError(`descriptor ${descriptor} is an open file`);
    return file;
  }

  #stat(path: string, throws: boolean): unknown {
    if (path === this.dir) return { isDirectory: () => true };
    const file = this.#names.get(this.#nameOf(path));
    if (file !== undefined) return { size: file.size, isDirectory: () => false };
    if (throws) throw missing(path);
    return undefined;
  }

  #open(path: string, flags: string): number {
    this.#operation(flags === "r" || flags === "r+" ? "none" : "make");
    const isDirectory = path === this.dir;
    const name = isDirectory ? "" : this.#nameOf(path);
    const file = isDirectory ? null : this.#openFile(path, flags);
    this.#descriptors.set(this.#nextDescriptor, { name, file });
    return this.#nextDescriptor++;
  }

  #openFile(path: string, flags: string): FakeFile {
    const name = this.#nameOf(path);
    const known = this.#names.get(name);
    if (flags === "r" || flags === "r+") return this.#existing(path);
    assert(["w", "wx", "a"].includes(flags), `${flags} is a flag that the disk knows`);
    if (known !== undefined && flags === "wx") throw coded("EEXIST", path);
    if (known !== undefined && flags === "a") return known;
    // Truncated: as far as the store is concerned a new file, which is what it is used for.
    const file = new FakeFile();
    this.#names.set(name, file);
    return file;
  }

  #write(
    descriptor: number,
    bytes: Uint8Array,
    from: number,
    length: number,
    at: number | null,
  ): number {
    this.#operation("write");
    const file = this.#fileOf(descriptor);
    assert(at !== null, "the store writes at positions");
    const { name } = this.#descriptors.get(descriptor) as Descriptor;
    if (this.isFull(name)) throw coded("ENOSPC", name);
    const isShort = length > 1 && this.#prng.chance(SHORT_WRITE_ONE_IN);
    const written = isShort ? 1 + this.#prng.below(length - 1) : length;
    file.grow(at + written);
    file.bytes.set(bytes.subarray(from, from + written), at);
    return written;
  }
}

function missing(path: string): Error {
  return coded("ENOENT", path);
}

function coded(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
