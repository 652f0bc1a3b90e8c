/**
 * Assertions: `assert` for control code, `debugAssert` for hot code, `unreachable` for impossible
 * branches.
 *
 * A failed assertion is a bug of ours, never bad input: it throws, the Worker dies, and the process
 * with it, loudly. `debugAssert` and its arguments are removed from the release build
 * (`--drop=debugAssert`), so an argument may be costly but must have no effect.
 */

/** A broken invariant. Nothing catches it: the state behind it can no longer be trusted. */
export class AssertionError extends Error {
  override name = "AssertionError";
}

/** Throws AssertionError with `message` when `condition` is false. Always on. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** The same for hot code: present in tests and fuzzers, absent from the release build. */
export function debugAssert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** Marks a branch that no input can reach. */
export function unreachable(message: string): never {
  throw new AssertionError(`unreachable: ${message}`);
}
