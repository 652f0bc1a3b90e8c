/**
 * README.md: its list of commands is that of the command table, and the files it links to exist.
 */
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { README, withCommands } from "../scripts/readme-commands.ts";
import { withResults } from "../scripts/readme-results.ts";
import { REPOSITORY } from "./harness.ts";

test("README.md lists the commands (bun scripts/readme-commands.ts writes them)", () => {
  const readme = readFileSync(README, "utf8");
  expect(readme).toBe(withCommands(readme));
  expect(readme).toContain(" · GET · ");
});

test("README.md shows the recorded results (bun scripts/readme-results.ts writes them)", () => {
  const readme = readFileSync(README, "utf8");
  expect(readme).toBe(withResults(readme));
});

test("links between documents lead to files", () => {
  const documents = ["*.md", "docs/**/*.md"].flatMap((pattern) => [
    ...new Bun.Glob(pattern).scanSync({ cwd: REPOSITORY }),
  ]);
  expect(documents).toContainValues(["README.md", "docs/ARCHITECTURE.md"]);
  const broken = documents.flatMap((path) => {
    const text = readFileSync(join(REPOSITORY, path), "utf8");
    const targets = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map((match) => match[1]);
    const folder = join(REPOSITORY, dirname(path));
    return targets.filter((to) => !existsSync(join(folder, to as string))).map((to) => [path, to]);
  });
  expect(broken).toEqual([]);
});
