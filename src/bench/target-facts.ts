/**
 * What a server says about itself: version, mode, threads, persistence. The fairness sheet is made
 * of it.
 *
 * Everything is optional on the wire: a server without INFO or CONFIG can still be measured, and
 * then fields are null.
 */
import { ReplyError } from "../resp/reader.ts";
import { type ControlConnection, refuseError } from "./drivers/control.ts";

export interface TargetFacts {
  /** What the server calls itself ("valkey"); null when it does not say. */
  serverName: string | null;
  version: string | null;
  mode: string | null;
  processId: number | null;
  uptimeSeconds: number | null;
  /** Threads that serve requests, as far as the server tells. */
  threads: number | null;
  /** Keys in the database before the run. */
  keysBefore: number | null;
  /** Settings that decide what a write costs, as CONFIG GET gives them. */
  settings: Record<string, string>;
}

/** The settings that a fair comparison has alike. */
const SETTINGS = ["save", "appendonly", "maxmemory", "maxmemory-policy", "io-threads", "threads"];

/** Asks the server. Throws FatalError when it speaks no RESP, or answers nobody without login. */
export async function readTargetFacts(control: ControlConnection): Promise<TargetFacts> {
  const answer = await control.request("INFO");
  // A server that wants a password says so to everything; one without INFO can be measured.
  if (answer instanceof ReplyError && answer.text.startsWith("NOAUTH")) refuseError(answer);
  const info = parseInfo(typeof answer === "string" ? answer : "");
  const settings: Record<string, string> = {};
  for (const name of SETTINGS) {
    const reply = await control.request("CONFIG", "GET", name);
    if (Array.isArray(reply) && reply.length === 2) settings[name] = String(reply[1]);
  }
  const keys = Number(await control.text("DBSIZE"));
  const threads = settings.threads ?? info.get("threads") ?? settings["io-threads"];
  return {
    ...serverIdentity(info),
    mode: info.get("server_mode") ?? info.get("redis_mode") ?? null,
    processId: numberOf(info.get("process_id")),
    uptimeSeconds: numberOf(info.get("uptime_in_seconds")),
    threads: numberOf(threads),
    keysBefore: Number.isSafeInteger(keys) ? keys : null,
    settings,
  };
}

/**
 * Processor time of the server so far in ns, by its own account (INFO used_cpu_*); null when it
 * does not say.
 */
export async function readUsedProcessorNs(control: ControlConnection): Promise<number | null> {
  const info = parseInfo(await control.text("INFO", "cpu"));
  const user = numberOf(info.get("used_cpu_user"));
  const system = numberOf(info.get("used_cpu_sys"));
  return user === null || system === null ? null : Math.round((user + system) * 1e9);
}

/** `name:value` lines as a map; section titles and empty lines are left out. */
export function parseInfo(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const colon = line.indexOf(":");
    if (colon > 0 && !line.startsWith("#")) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}

/**
 * Servers made after Redis keep `redis_version` for old clients and put their own name and version
 * beside it.
 */
function serverIdentity(info: Map<string, string>): Pick<TargetFacts, "serverName" | "version"> {
  for (const name of ["kv", "valkey"]) {
    const version = info.get(`${name}_version`);
    if (version !== undefined) return { serverName: name, version };
  }
  const version = info.get("redis_version") ?? null;
  return { serverName: info.get("server_name") ?? (version === null ? null : "redis"), version };
}

function numberOf(text: string | undefined): number | null {
  const value = Number(text);
  return text === undefined || text === "" || !Number.isFinite(value) ? null : value;
}
