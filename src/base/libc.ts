/**
 * Functions of the C library that Bun has no name for. Nothing depends on them: where the library
 * is not found, or has no such function, callers do without.
 */
import { dlopen, type FFIFunction } from "bun:ffi";

const LIBRARIES = [
  "libc.so.6",
  "libc.musl-x86_64.so.1",
  "libc.musl-aarch64.so.1",
  "libSystem.B.dylib",
];

/** Takes and returns numbers. */
type LibraryFunction = (...values: number[]) => number;

/** The function of this name, undefined when there is none. */
export function fromLibc(name: string, signature: FFIFunction): LibraryFunction | undefined {
  for (const library of LIBRARIES) {
    try {
      const { symbols } = dlopen(library, { [name]: signature });
      return symbols[name] as unknown as LibraryFunction;
    } catch {
      // Another system's.
    }
  }
  return undefined;
}
