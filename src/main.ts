/**
 * The executable's entry point: argv → subcommand → exit code, and nothing else.
 *
 *   0    done, or stopped cleanly
 *   64   the arguments are wrong (UsageError)
 *   1    it cannot run (FatalError), the benchmark failed, or a bug, which prints its stack
 *
 * Each subcommand is loaded when it is asked for: a server that is ready in milliseconds and small
 * when idle must not carry the benchmark.
 */
import { writeSync } from "node:fs";
import { FatalError, UsageError } from "./base/errors.ts";
import { runCommandLine } from "./cli/program.ts";

const STDERR = 2;

try {
  const exitCode = await runCommandLine(process.argv.slice(2), {
    serve: async (options) => (await import("./server.ts")).serve(options),
    serveChat: async (settings) => (await import("./ws-server.ts")).serveChat(settings),
    check: async (options) => (await import("./check.ts")).check(options),
    bench: async (argv) => (await import("./bench.ts")).bench(argv),
    benchWorker: async () => (await import("./bench-worker.ts")).benchWorker(),
  });
  process.exit(exitCode);
} catch (error) {
  process.exit(report(error));
}

/** Prints what went wrong to standard error and returns the exit code. */
function report(error: unknown): number {
  if (!(error instanceof UsageError || error instanceof FatalError)) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    writeSync(STDERR, `kv: internal error: ${text}\n`);
    return 1;
  }
  writeSync(
    STDERR,
    `kv: ${error.message}\n${error.hint === undefined ? "" : `hint: ${error.hint}\n`}`,
  );
  return error.exitCode;
}
