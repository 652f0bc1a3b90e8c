/**
 * Runs the fuzzers beside the code until time is up: `make fuzz F=parser SECONDS=60`, `make fuzz
 * F=parser SEED=7`.
 *
 * A fuzzer is any *.fuzz.ts that runs when it is the main module, takes --seed, prints it, and ends
 * with another exit code than 0 when it has found something. Every run has a fresh seed; with a
 * given seed each fuzzer runs once.
 */
import { join } from "node:path";
import { freshSeed } from "../src/base/prng.ts";

const ROOT = join(import.meta.dir, "..");

interface FuzzOptions {
  readonly pattern: string;
  readonly seconds: number;
  readonly seed: number | null;
}

function parseArguments(argv: readonly string[]): FuzzOptions {
  let [pattern, seconds, seed] = ["", 30, null as number | null];
  for (let at = 0; at < argv.length; at++) {
    const argument = argv[at] as string;
    if (argument === "--seconds") seconds = Number(argv[++at]);
    else if (argument === "--seed") seed = Number(argv[++at]);
    else pattern = argument;
  }
  return { pattern, seconds, seed };
}

/** Runs a fuzzer once, for at most `timeMsMax`; false when it has found something. */
async function runOnce(path: string, seed: number, timeMsMax: number): Promise<boolean> {
  // Servers that it has started end with it (--no-orphans), also when its time is up.
  const command = [process.execPath, "--no-orphans", path];
  // Both spellings of the seed, so that a fuzzer may read either.
  const child = Bun.spawn([...command, `--seed=${seed}`, "--seed", `${seed}`], {
    cwd: ROOT,
    stdio: ["ignore", "inherit", "inherit"],
    ...(timeMsMax === Number.POSITIVE_INFINITY ? {} : { timeout: timeMsMax }),
    killSignal: "SIGKILL",
  });
  await child.exited;
  // Its time is up: it has found nothing so far.
  if (child.exitCode === 0 || child.signalCode === "SIGKILL") return true;
  process.stderr.write(`\n${path} has found something: bun ${path} --seed ${seed}\n`);
  return false;
}

const { pattern, seconds, seed } = parseArguments(process.argv.slice(2));
const paths = [...new Bun.Glob("{src,test}/**/*.fuzz.ts").scanSync({ cwd: ROOT })]
  .filter((path) => path.includes(pattern))
  .sort();
if (paths.length === 0 || Number.isNaN(seconds) || Number.isNaN(seed)) {
  process.stderr.write(`no fuzzer has "${pattern}" in its path, or a number is none\n`);
  process.exit(64);
}
const deadline = performance.now() + seconds * 1000;
// A given seed is there to see again what it finds: it takes the time that it needs.
const sliceMs =
  seed === null ? Math.ceil((seconds * 1000) / paths.length) : Number.POSITIVE_INFINITY;
let runsCount = 0;
do {
  for (const path of paths) {
    if (!(await runOnce(path, seed ?? freshSeed() % 1_000_000_000, sliceMs))) process.exit(1);
    runsCount++;
  }
} while (seed === null && performance.now() < deadline);
process.stdout.write(`${runsCount} runs of ${paths.length} fuzzers, nothing found\n`);
