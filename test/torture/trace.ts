/**
 * What a process has asked the kernel to keep: the calls that strace has seen, and what they make
 * of the names in one directory. It is from here, not from the process under test, that the torture
 * of power loss knows what was flushed.
 */
import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

const MS_PER_S = 1000;
const CALLS = "fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,open,openat,creat";

/** A call about the directory or a file in it, that succeeded. */
export interface Call {
  readonly kind: "create" | "rename" | "unlink" | "sync" | "sync-directory";
  /** Name in the directory; of a rename, the old one. */
  readonly name: string;
  /** The new name of a rename. */
  readonly to: string;
  /** Of what a create made. */
  readonly id: string;
  readonly startMs: number;
  readonly endMs: number;
}

/** The command line to put in front of a server's: it writes what it sees to PREFIX.thread. */
export function straceCommand(prefix: string): string[] {
  const quiet = ["strace", "-ff", "--seccomp-bpf", "-qq", "-y", "-ttt", "-T", "-s", "4096"];
  return [...quiet, "-e", `trace=${CALLS}`, "-e", "signal=none", "-o", prefix];
}

/** The calls about `dir` that succeeded, in the order in which they ended. */
export function readCalls(prefix: string, dir: string): Call[] {
  const folder = dirname(prefix);
  const calls: Call[] = [];
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(`${basename(prefix)}.`)) continue;
    for (const line of readFileSync(join(folder, name), "utf8").split("\n")) {
      const call = parseCall(line, dir, `new ${calls.length} of ${name}`);
      if (call !== null) calls.push(call);
    }
  }
  return calls.sort((a, b) => a.endMs - b.endMs);
}

const LINE = /^(\d+\.\d+) (\w+)\((.*)\) = \d+(?:<.*>)? <(\d+\.\d+)>$/;

function parseCall(line: string, dir: string, id: string): Call | null {
  const match = LINE.exec(line);
  if (match === null) return null;
  const [, seconds, call = "", args = "", took] = match;
  const startMs = Number(seconds) * MS_PER_S;
  const times = { startMs, endMs: startMs + Number(took) * MS_PER_S, id };
  if (call === "fsync" || call === "fdatasync") {
    const path = /^\d+<(.*)>$/.exec(args)?.[1] ?? "";
    if (path === dir) return { kind: "sync-directory", name: "", to: "", ...times };
    return dirname(path) === dir ? { kind: "sync", name: basename(path), to: "", ...times } : null;
  }
  const paths = [...args.matchAll(/"([^"]*)"/g)].map((it) => it[1] as string);
  if (paths.length === 0 || dirname(paths[0] as string) !== dir) return null;
  const [name, to] = [basename(paths[0] as string), basename(paths[1] ?? "")];
  if (call.startsWith("rename")) return { kind: "rename", name, to, ...times };
  if (call.startsWith("unlink")) return { kind: "unlink", name, to: "", ...times };
  const isCreate = call === "creat" || args.includes("O_CREAT");
  return isCreate ? { kind: "create", name, to: "", ...times } : null;
}

/** Which file each name stands for. */
export type Entries = Map<string, string>;

/** What is in the directory at the beginning: every name is a file of its own. */
export function entriesOf(names: readonly string[]): Entries {
  return new Map(names.map((name) => [name, `old ${name}`]));
}

/** Does again what a call did to the names, unless its file's absence makes that impossible. */
export function apply(entries: Entries, { kind, name, to, id }: Call): void {
  const file = entries.get(name);
  if (kind === "create" && file === undefined) entries.set(name, id);
  if (kind === "unlink") entries.delete(name);
  if (kind !== "rename" || file === undefined) return;
  entries.set(to, file);
  entries.delete(name);
}

/** The names as they were at a time. */
export function entriesAt(start: Entries, calls: readonly Call[], timeMs: number): Entries {
  const entries = new Map(start);
  for (const call of calls) if (call.endMs <= timeMs) apply(entries, call);
  return entries;
}

/** What is durable of the names at the end of `calls`, and the calls that may be lost. */
export function durableEntries(start: Entries, calls: readonly Call[]): [Entries, Call[]] {
  const flushed = calls.findLast((call) => call.kind === "sync-directory");
  const entries = new Map(start);
  const pending: Call[] = [];
  for (const call of calls) {
    if (call.kind === "sync" || call.kind === "sync-directory") continue;
    if (flushed !== undefined && call.endMs <= flushed.startMs) apply(entries, call);
    else pending.push(call);
  }
  return [entries, pending];
}

/** When flushes of each file began. */
export function flushTimes(start: Entries, calls: readonly Call[]): Map<string, number[]> {
  const entries = new Map(start);
  const times = new Map<string, number[]>();
  for (const call of calls) {
    apply(entries, call);
    if (call.kind !== "sync") continue;
    const file = entries.get(call.name);
    if (file !== undefined) times.set(file, [...(times.get(file) ?? []), call.startMs]);
  }
  return times;
}
