/**
 * scripts/set-up on a machine without the tools that it needs: it says what to install, and fails.
 */
import { expect, test } from "bun:test";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY, run, temporaryFolder } from "./harness.ts";

test("with neither Bun nor npm, set-up names both and installs nothing", async () => {
  using folder = temporaryFolder();
  // A PATH with what the script itself calls, and nothing else.
  for (const tool of ["cat", "touch"]) {
    symlinkSync(Bun.which(tool) as string, join(folder.path, tool));
  }
  const script = join(REPOSITORY, "scripts/set-up");
  const finished = await run(["/bin/sh", script, "1.2.3", join(folder.path, "stamp")], {
    cwd: folder.path,
    env: { PATH: folder.path },
  });
  expect(finished.stderr).toContain(
    "neither Bun nor npm was found on this machine\nhint: install Bun 1.2.3",
  );
  expect([finished.exitCode, finished.stdout]).toEqual([1, ""]);
  expect(await Bun.file(join(folder.path, "stamp")).exists()).toBe(false);
});
