/**
 * Builds the executable for every platform into dist/, with SHA256SUMS: `make release`.
 *
 * Bun fetches the runtime of another platform from the npm registry. What cannot be fetched or
 * built is skipped with a word about it; the release of this machine's own platform must succeed,
 * or the whole run fails.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compile } from "../build.ts";
import { formatSize } from "../src/base/units.ts";

const ROOT = join(import.meta.dir, "..");

const TARGETS: readonly Bun.Build.CompileTarget[] = [
  "bun-linux-x64",
  "bun-linux-x64-musl",
  "bun-linux-arm64",
  "bun-linux-arm64-musl",
  "bun-darwin-x64",
  "bun-darwin-arm64",
  "bun-windows-x64",
];

/** "bun-linux-x64-musl" → "kv-linux-x64-musl" */
function fileNameOf(target: string): string {
  const name = target.replace(/^bun-/, "kv-");
  return target.includes("windows") ? `${name}.exe` : name;
}

function isOwnPlatform(target: string): boolean {
  return target === `bun-${process.platform}-${process.arch}`;
}

mkdirSync(join(ROOT, "dist"), { recursive: true });
const sums: string[] = [];
const skipped: string[] = [];
for (const target of TARGETS) {
  const name = fileNameOf(target);
  try {
    const { path, sizeBytes } = await compile(`dist/${name}`, target);
    const sum = createHash("sha256").update(readFileSync(path)).digest("hex");
    sums.push(`${sum}  ${name}\n`);
    process.stdout.write(`built    ${name}, ${formatSize(sizeBytes)}\n`);
  } catch (error) {
    if (isOwnPlatform(target)) throw error;
    rmSync(join(ROOT, "dist", name), { force: true });
    skipped.push(name);
    const reason = error instanceof Error ? error.message : String(error);
    process.stdout.write(`skipped  ${name}: ${reason.split("\n", 1)[0]}\n`);
  }
}
writeFileSync(join(ROOT, "dist/SHA256SUMS"), sums.join(""));
process.stdout.write(`${sums.length} executables and SHA256SUMS in dist/`);
process.stdout.write(skipped.length === 0 ? "\n" : `, ${skipped.length} skipped\n`);
