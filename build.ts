/**
 * Builds the executable: `bun build.ts` makes ./kv for this machine; scripts/release.ts makes the
 * others.
 *
 * Everything that runs is an entry point of one compile: src/main.ts, and each src/*-worker.ts,
 * because a Worker is found by its own name inside the executable (src/worker-url.ts). Code is
 * split, so that what the entry points share is there once and a subcommand loads only its own
 * part.
 *
 * The executable must not care where it is started: it loads no .env, bunfig.toml, tsconfig.json or
 * package.json from the working directory (test/binary.test.ts). `debugAssert` and its arguments
 * are dropped.
 */
import { chmodSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { formatSize } from "./src/base/units.ts";

const ROOT = import.meta.dir;

/** No such global exists: every call of it is dropped. */
const DROPPED = "KV_DROPPED";

const nameDebugAsserts: Bun.BunPlugin = {
  name: "name debugAssert calls for dropping",
  setup(build) {
    build.onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, async ({ path }) => {
      const text = await Bun.file(path).text();
      // Calls are statements of their own; the definition, "function debugAssert(", is not.
      return { contents: text.replace(/^(\s*)debugAssert\(/gm, `$1${DROPPED}(`), loader: "ts" };
    });
  },
};

export interface Compiled {
  readonly path: string;
  readonly sizeBytes: number;
}

/**
 * Compiles into `outfile` (from the repository's root). `target` is a Bun target such as
 * "bun-linux-arm64-musl", whose runtime Bun fetches when it is not this machine's. Throws with
 * Bun's own messages when that fails.
 */
export async function compile(
  outfile: string,
  target?: Bun.Build.CompileTarget,
): Promise<Compiled> {
  // A running ./kv cannot be written to, and a half-written one must not be run: write beside it,
  // then rename.
  const building = `${outfile}.building`;
  const result = await Bun.build({
    entrypoints: entryPoints(),
    root: join(ROOT, "src"),
    compile: {
      ...(target === undefined ? {} : { target }),
      outfile: join(ROOT, building),
      autoloadDotenv: false,
      autoloadBunfig: false,
      autoloadTsconfig: false,
      autoloadPackageJson: false,
    },
    target: "bun",
    format: "esm",
    splitting: true,
    bytecode: true,
    minify: true,
    plugins: [nameDebugAsserts],
    drop: [DROPPED],
    define: { KV_COMMIT: JSON.stringify(await commit()) },
    throw: false,
  });
  if (!result.success) throw new Error(result.logs.map((log) => log.message).join("\n"));
  // For Windows, Bun adds the extension by itself.
  const written = outfile.endsWith(".exe") ? `${building}.exe` : building;
  const path = join(ROOT, outfile);
  renameSync(join(ROOT, written), path);
  chmodSync(path, 0o755);
  return { path, sizeBytes: statSync(path).size };
}

/** src/main.ts first: it names the executable's entry. */
function entryPoints(): string[] {
  const workers = [...new Bun.Glob("src/*-worker.ts").scanSync({ cwd: ROOT })].sort();
  return ["src/main.ts", ...workers].map((path) => join(ROOT, path));
}

/**
 * Twelve digits of the commit, "+" behind them when files differ from it; "" outside of a
 * repository.
 */
async function commit(): Promise<string> {
  const head = await git("rev-parse", "--short=12", "HEAD");
  if (head === "") return "";
  return (await git("status", "--porcelain")) === "" ? head : `${head}+`;
}

async function git(...args: string[]): Promise<string> {
  try {
    const child = Bun.spawn(["git", ...args], { cwd: ROOT, stdout: "pipe", stderr: "ignore" });
    const text = await new Response(child.stdout).text();
    return (await child.exited) === 0 ? text.trim() : "";
  } catch {
    return "";
  }
}

if (import.meta.main) {
  const { sizeBytes } = await compile(process.platform === "win32" ? "kv.exe" : "kv");
  process.stdout.write(`built ./kv, ${formatSize(sizeBytes)}\n`);
}
