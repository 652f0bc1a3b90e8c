/**
 * Who speaks to the server → a load of this process: our driver, or a client library. A library is
 * loaded only when it is measured: nothing else pays for it.
 */
import type { ClientLibrary } from "../drivers/client-library.ts";
import type { ClientName, RequestPhase } from "../plan.ts";
import { ClientLoad } from "./client-load.ts";
import type { Load, LoadResult, OnProgress } from "./load.ts";
import { type LoadOptions, LocalLoad } from "./local-load.ts";

export interface OpenLoadOptions extends LoadOptions {
  client: ClientName;
}

/** A load whose phases can be prepared before all processes start them together. */
export interface PreparedLoad extends Load {
  prepare(phase: RequestPhase): (onProgress: OnProgress | null) => Promise<LoadResult>;
}

/** Throws FatalError when a connection cannot be opened. */
export async function openLoad(options: OpenLoadOptions): Promise<PreparedLoad> {
  const library = await loadLibrary(options.client);
  return library === null
    ? await LocalLoad.connect(options)
    : await ClientLoad.connect(options, library);
}

/** Null for our own drivers. */
async function loadLibrary(client: ClientName): Promise<ClientLibrary | null> {
  if (client === "node-redis") return (await import("../drivers/node-redis.ts")).nodeRedis;
  if (client === "bun") return (await import("../drivers/bun-redis.ts")).bunRedis;
  return null;
}
