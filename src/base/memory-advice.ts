/**
 * What the kernel is told of mapped files: madvise(2), by the C library. Only advice: where the
 * library is not found, everything works, and reading what is not in memory takes longer.
 *
 * Numbers are addresses of mapped files, which never move; never pass memory of the collector's.
 */
import { dlopen, FFIType, ptr } from "bun:ffi";

/** The same on Linux and macOS. */
const MADV_RANDOM = 1;
const MADV_WILLNEED = 3;
const PAGE_SIZE = 4096;
const LIBRARIES = [
  "libc.so.6",
  "libc.musl-x86_64.so.1",
  "libc.musl-aarch64.so.1",
  "libSystem.B.dylib",
];

type Advise = (address: number, length: number, advice: number) => number;

let advise: Advise | undefined;

function load(): Advise {
  for (const name of LIBRARIES) {
    try {
      const { symbols } = dlopen(name, {
        madvise: { args: [FFIType.u64, FFIType.u64, FFIType.i32], returns: FFIType.i32 },
      });
      return symbols.madvise as unknown as Advise;
    } catch {
      // Another system's.
    }
  }
  return () => 0;
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

/** These bytes are needed soon: reading them begins, and nobody waits. */
export function adviseNeeded(address: number, length: number): void {
  advise ??= load();
  const start = address - (address % PAGE_SIZE);
  advise(start, address + length - start, MADV_WILLNEED);
}
