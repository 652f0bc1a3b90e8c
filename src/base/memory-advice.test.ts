/** Advice changes nothing that can be read. */
import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addressOf, adviseNeeded, adviseRandom, adviseWritten } from "./memory-advice.ts";

const isLinux = process.platform === "linux";

/** KiB of the mapping at an address that are in the process's page tables. */
function residentKib(address: number): number {
  const smaps = readFileSync("/proc/self/smaps", "latin1");
  const mapping = smaps.slice(smaps.indexOf(`${address.toString(16)}-`));
  return Number(/^Rss: +(\d+) kB/m.exec(mapping)?.[1]);
}

test("a mapped file holds what was written, whatever is advised", () => {
  const folder = mkdtempSync(join(tmpdir(), "kv-advice-"));
  const path = join(folder, "file");
  const size = 1024 * 1024;
  writeFileSync(path, Buffer.alloc(size));
  const { buffer, byteOffset } = Bun.mmap(path, { shared: true });
  const mapped = Buffer.from(buffer, byteOffset, size);
  adviseRandom(mapped);
  mapped.fill("x");
  adviseWritten(mapped, size / 2, size / 2);
  adviseNeeded(addressOf(mapped) + 5000, 10_000);
  expect(mapped.equals(Buffer.alloc(size, "x"))).toBe(true);
  if (isLinux) expect(residentKib(addressOf(mapped))).toBe(size / 1024);
  adviseWritten(mapped, size / 2, size / 2);
  if (isLinux) expect(residentKib(addressOf(mapped))).toBe(size / 2048);
  expect(readFileSync(path).equals(Buffer.alloc(size, "x"))).toBe(true);
  rmSync(folder, { recursive: true });
});
