/**
 * Runs the micro-benchmarks beside the code, each in a process of its own: `make bench-micro
 * B=parser`.
 *
 * A benchmark is any *.bench.ts under src that runs when it is the main module. One after the
 * other: they measure time, and two at once would measure each other.
 */
import { join } from "node:path";

const ROOT = join(import.meta.dir, "..");

const [pattern = ""] = process.argv.slice(2);
const paths = [...new Bun.Glob("src/**/*.bench.ts").scanSync({ cwd: ROOT })]
  .filter((path) => path.includes(pattern))
  .sort();
if (paths.length === 0) {
  process.stderr.write(`no benchmark has "${pattern}" in its path\n`);
  process.exit(64);
}
for (const path of paths) {
  process.stdout.write(`\n== ${path}\n`);
  const child = Bun.spawn([process.execPath, path], {
    cwd: ROOT,
    stdio: ["ignore", "inherit", "inherit"],
  });
  if ((await child.exited) !== 0) process.exit(1);
}
