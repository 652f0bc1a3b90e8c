/** What the torture scripts share: their flags, and a folder on the fastest disk there is. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freshSeed } from "../../src/base/prng.ts";

const MEMORY_DISK = "/dev/shm";

/** The value of `--name=value` on the command line. */
export function textOption(name: string, or: string): string {
  const word = process.argv.find((it) => it.startsWith(`--${name}=`));
  return word?.slice(name.length + 3) ?? or;
}

export function numberOption(name: string, or: number): number {
  const text = textOption(name, String(or));
  const value = Number(text);
  if (text === "" || !Number.isFinite(value)) throw new Error(`--${name}: no number (${text})`);
  return value;
}

/** The seed of `--seed`, or a fresh one. */
export function seedOption(): number {
  return numberOption("seed", freshSeed());
}

/**
 * An empty folder in memory where there is such a disk: for what is about the bytes of files, not
 * about a disk's time. Removed at the end of the scope.
 */
export function memoryFolder(): { readonly path: string } & Disposable {
  const parent = existsSync(MEMORY_DISK) ? MEMORY_DISK : tmpdir();
  const path = mkdtempSync(join(parent, "kv-torture-"));
  return {
    path,
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** A moment later: what tortures choose at random is when they strike, which no condition says. */
export function after(ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setInterval(() => {
    clearInterval(timer);
    resolve();
  }, ms);
  return promise;
}

/** Kills a process that may have ended by now. */
export function killIfThere(pid: number, signal: NodeJS.Signals = "SIGKILL"): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
