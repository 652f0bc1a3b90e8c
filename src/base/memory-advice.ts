/**
 * What the kernel is told of mapped files: madvise(2), by the C library. Only advice: where the
 * library is not found, everything works, and reading what is not in memory takes longer.
 *
 * Numbers are addresses of mapped files, which never move; never pass memory of the collector's:
 * adviseWritten() would empty it.
 */
import { FFIType, ptr } from "bun:ffi";
import { fromLibc } from "./libc.ts";

/** The same on Linux and macOS. */
const MADV_RANDOM = 1;
const MADV_WILLNEED = 3;
const MADV_DONTNEED = 4;
const PAGE_SIZE = 4096;

type Advise = (address: number, length: number, advice: number) => number;

let advise: Advise | undefined;

function load(): Advise {
  const { i32, u64 } = FFIType;
  return fromLibc("madvise", { args: [u64, u64, i32], returns: i32 }) ?? (() => 0);
}

/** Where a mapped file lies. */
export function addressOf(mapped: Buffer): number {
  return ptr(mapped);
}

/**
 * The file is read at random: a fault reads the page that it is about. Without this it reads as
 * much around it as the disk's read-ahead says: where that is 8 MiB, a store larger than memory
 * does 30 changes a second instead of thousands.
 */
export function adviseRandom(mapped: Buffer): void {
  advise ??= load();
  advise(ptr(mapped), mapped.length, MADV_RANDOM);
}

/**
 * This part of a mapped file is written, and will not be touched for some time: its pages leave the
 * mapping together. A flush of the file would take out each page that is mapped by itself, with an
 * interrupt for every core that runs the process (with this 64 MiB take 20 ms instead of 200, and
 * one thread that writes 1 KB values to the log 2.6 times as many). The file keeps what was
 * written.
 */
export function adviseWritten(mapped: Buffer, offset: number, length: number): void {
  advise ??= load();
  advise(ptr(mapped) + offset, length, MADV_DONTNEED);
}

/** These bytes are needed soon: reading them begins, and nobody waits. */
export function adviseNeeded(address: number, length: number): void {
  advise ??= load();
  const start = address - (address % PAGE_SIZE);
  advise(start, address + length - start, MADV_WILLNEED);
}
