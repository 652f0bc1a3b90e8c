/**
 * `--db`, `--client` and the URLs → targets: every database with every client that fits it.
 */
import { UsageError } from "../base/errors.ts";
import { BACKENDS, type Backend, findBackend } from "../bench/backends.ts";
import type { TargetOption } from "../bench/options.ts";
import type { ClientName } from "../bench/plan.ts";
import { checkUrl } from "../bench/url.ts";
import type { RawFlags } from "./bench-flags.ts";
import { choiceOf } from "./flag-values.ts";

const CLIENTS: readonly ClientName[] = ["raw", "node-redis", "bun", "nats", "nats-ws"];

export interface Targets {
  backends: Backend[];
  targets: TargetOption[];
}

/** Throws UsageError. */
export function targetsOf(flags: RawFlags): Targets {
  const backends = backendsOf(flags.db);
  const clients = clientsOf(flags.client);
  const urls = urlsOf(flags, backends);
  const targets = backends.flatMap((backend) =>
    fittingClients(backend, clients).map((client) => ({
      backend: backend.name,
      client,
      url: urls.get(backend) ?? null,
    })),
  );
  const idle = clients?.find((client) => targets.every((target) => target.client !== client));
  if (idle !== undefined) {
    throw new UsageError(`--client: ${idle} fits none of the databases (${flags.db})`);
  }
  return { backends, targets };
}

function backendsOf(text: string): Backend[] {
  const backends: Backend[] = [];
  for (const name of text.split(",").map((part) => part.trim())) {
    const backend = findBackend(name);
    if (backend === undefined) {
      const known = BACKENDS.map((each) => each.name).join(", ");
      throw new UsageError(`--db: unknown database (${name}), known are ${known}`);
    }
    if (backends.includes(backend)) throw new UsageError(`--db: ${backend.name} is there twice`);
    backends.push(backend);
  }
  return backends;
}

function clientsOf(text: string | undefined): ClientName[] | null {
  if (text === undefined) return null;
  const clients = text.split(",").map((part) => choiceOf("--client", part.trim(), CLIENTS));
  const twice = clients.find((client, index) => clients.indexOf(client) !== index);
  if (twice !== undefined) throw new UsageError(`--client: ${twice} is there twice`);
  return clients;
}

/** The default client when none was named. */
function fittingClients(backend: Backend, clients: ClientName[] | null): ClientName[] {
  const fitting = (clients ?? backend.clients.slice(0, 1)).filter((client) =>
    backend.clients.includes(client),
  );
  if (fitting.length === 0) {
    const known = backend.clients.join(", ");
    throw new UsageError(`--client: ${backend.name} has only ${known} (${clients?.join(",")})`);
  }
  return fitting;
}

function urlsOf(flags: RawFlags, backends: Backend[]): Map<Backend, string> {
  const urls = new Map<Backend, string>();
  const named: [flag: string, url: string | undefined][] = [
    ["--redis-url", flags.redisUrl],
    ["--valkey-url", flags.valkeyUrl],
    ["--rustdb-url", flags.rustdbUrl],
    ["--nats-url", flags.natsUrl],
    ["--ws-url", flags.wsUrl],
  ];
  for (const [flag, url] of named) {
    if (url === undefined) continue;
    const meant = backends.filter((backend) => backend.urlFlag === flag);
    if (meant.length === 0) {
      const names = BACKENDS.filter((backend) => backend.urlFlag === flag).map(({ name }) => name);
      throw new UsageError(`${flag}: has no effect, ${names.join(" or ")} is not in --db`);
    }
    for (const backend of meant) urls.set(backend, checkedUrl(flag, url, backend));
  }
  if (flags.url !== undefined) addOnlyUrl(urls, flags.url, backends);
  return urls;
}

/** `--url` is for the only database. */
function addOnlyUrl(urls: Map<Backend, string>, url: string, backends: Backend[]): void {
  const [first, second] = backends;
  if (first === undefined || second !== undefined) {
    const each = backends.flatMap((backend) => backend.urlFlag ?? []).join(", ");
    throw new UsageError(`--url: says nothing about which of several databases, use ${each}`);
  }
  if (first.urlFlag === null) {
    throw new UsageError(`--url: has no effect, ${first.name} runs in this process`);
  }
  if (urls.has(first)) {
    throw new UsageError(`--url: contradicts ${first.urlFlag}, give one of them`);
  }
  urls.set(first, checkedUrl("--url", url, first));
}

function checkedUrl(flag: string, url: string, backend: Backend): string {
  try {
    checkUrl(url, backend.kind);
    return url;
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(`${flag}: ${error.message}`);
    throw error;
  }
}
