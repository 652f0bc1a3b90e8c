/**
 * The two errors that end the process with a message for its user: wrong usage, and a state that it
 * cannot run in.
 *
 * `src/main.ts` prints either as `kv: <message>` and, when there is one, `hint: <hint>`, and exits
 * with `exitCode`. Messages follow one shape each:
 *
 *   UsageError   `--flag: what is wrong (the value), the bound or the fix`
 *   FatalError   `Cannot <do> <what>: <state>`
 *
 * Not here: broken invariants (assert.ts), replies to clients (resp/errors.ts).
 */

/** Wrong arguments or configuration: whoever typed them can fix it. */
export class UsageError extends Error {
  override name = "UsageError";
  readonly exitCode = 64;
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

/**
 * The arguments are fine, but the machine is not: the port is in use, a file is missing, memory
 * cannot be reserved.
 */
export class FatalError extends Error {
  override name = "FatalError";
  readonly exitCode = 1;
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

/**
 * What to tell a user about a thrown value: the system's code in words where there is one ("no such
 * file"), else the error's own message.
 */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = (error as NodeJS.ErrnoException).code;
  return (code !== undefined && SYSTEM_REASONS[code]) || error.message;
}

/**
 * What to throw when the system has refused something: `Cannot <do> <what>: <reason>`. Other errors
 * are bugs, and stay what they are.
 */
export function refusalOf(what: string, error: unknown): unknown {
  const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  if (error instanceof FatalError || code === undefined || syscall === undefined) return error;
  return new FatalError(`${what}: ${reasonOf(error)} (${syscall})`);
}

const SYSTEM_REASONS: Record<string, string> = {
  EACCES: "permission denied",
  EADDRINUSE: "address already in use",
  EADDRNOTAVAIL: "no such address on this machine",
  DNS_ENOTFOUND: "no such host",
  EDQUOT: "disk quota exceeded",
  EFBIG: "file too large",
  EIO: "input/output error",
  EISDIR: "it is a directory",
  EMFILE: "too many open files",
  ENOENT: "no such file or directory",
  ENOTFOUND: "no such host",
  ENOMEM: "out of memory",
  ENOSPC: "no space left on device",
  ENOTDIR: "part of the path is not a directory",
  EPERM: "operation not permitted",
  EROFS: "read-only file system",
};
