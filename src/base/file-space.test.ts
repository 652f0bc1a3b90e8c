/** releaseSpace(): what becomes of a mapped file. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { releaseSpace } from "./file-space.ts";

test.skipIf(process.platform !== "linux")(
  "releaseSpace() leaves a mapped file its size and none of its blocks",
  () => {
    const folder = mkdtempSync(join(tmpdir(), "kv-space-"));
    const path = join(folder, "file");
    writeFileSync(path, Buffer.alloc(1024 * 1024, "x"));
    const mapped = Bun.mmap(path, { shared: true });
    expect(mapped[70_000]).toBe("x".charCodeAt(0));
    releaseSpace(path);
    expect(statSync(path)).toMatchObject({ size: 1024 * 1024, blocks: 0 });
    expect(mapped[70_000]).toBe(0);
    rmSync(folder, { recursive: true });
    expect(() => releaseSpace(path)).not.toThrow();
  },
);
