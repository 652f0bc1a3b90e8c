/**
 * schemas/gen is what the compilers make of the schemas: scripts/generate gives the committed
 * files, byte for byte.
 *
 * Skipped where a compiler is missing, an error where CI is set. Also the executable and the
 * formats: what it writes is what the sources write, with no native addon in it.
 */
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { hasPeer, REPOSITORY, run, temporaryFolder } from "./harness.ts";

const GENERATED = join(REPOSITORY, "schemas/gen");
const HAS_COMPILERS = ["protoc", "flatc"].map(hasPeer).every(Boolean);

function filesIn(folder: string): Record<string, string> {
  const paths = [...new Bun.Glob("**/*").scanSync({ cwd: folder })].sort();
  return Object.fromEntries(paths.map((path) => [path, readFileSync(join(folder, path), "utf8")]));
}

test.if(HAS_COMPILERS)("schemas/gen is what make generate makes", async () => {
  using folder = temporaryFolder();
  const generated = await run([join(REPOSITORY, "scripts/generate"), folder.path]);
  expect(generated).toMatchObject({ exitCode: 0, stderr: "" });
  const files = filesIn(folder.path);
  expect(Object.keys(files)).toContain("chat_pb.ts");
  expect(files).toEqual(filesIn(GENERATED));
});

test.if(existsSync(join(REPOSITORY, "kv")))("./kv has no way to a native addon", () => {
  const binary = readFileSync(join(REPOSITORY, "kv"));
  // By name they are in the runtime's own list of well-known packages; what loads them reads these.
  const switches = ["CBOR_NATIVE_ACCELERATION_DISABLED", "MSGPACKR_NATIVE_ACCELERATION_DISABLED"];
  expect(switches.filter((name) => binary.includes(name))).toEqual([]);
});
