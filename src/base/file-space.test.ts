/** FileSpace: what becomes of a mapped file. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FileSpace } from "./file-space.ts";

/** File systems that every Linux has can make holes; elsewhere nothing must happen. */
const isLinux = process.platform === "linux";

test("FileSpace gives the space of a removed file back, a mapping of it can be touched", () => {
  const folder = mkdtempSync(join(tmpdir(), "kv-space-"));
  const path = join(folder, "file");
  writeFileSync(path, Buffer.alloc(1024 * 1024, "x"));
  const mapped = Bun.mmap(path, { shared: true });
  const space = new FileSpace(path);
  rmSync(path);
  expect(mapped[70_000]).toBe("x".charCodeAt(0));
  space.release();
  space.close();
  if (isLinux) expect(mapped[70_000]).toBe(0);
  mapped[70_000] = 1;
  expect(mapped[70_000]).toBe(1);
  rmSync(folder, { recursive: true });
});

test("FileSpace of no file does nothing", () => {
  const space = new FileSpace(join(tmpdir(), "kv-no-such-file"));
  space.release();
  space.close();
});
