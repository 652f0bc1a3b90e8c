/** The versions of the client libraries that this program was built with. */
import { dependencies } from "../../package.json" with { type: "json" };
import type { ClientName } from "./plan.ts";

/** The packages that a client may be; the first that is built in is it. */
const PACKAGES: Record<ClientName, string[]> = {
  raw: [],
  bun: [],
  "node-redis": ["redis", "redis"],
  nats: ["nats", "@nats-io/transport-node", "@nats-io/nats-core"],
  "nats-ws": ["nats.ws", "@nats-io/nats-core"],
};

/** Null for the driver of our own. */
export function clientVersionOf(client: ClientName): string | null {
  if (client === "bun") return Bun.version;
  const versions: Record<string, string | undefined> = dependencies;
  const name = PACKAGES[client].find((each) => versions[each] !== undefined);
  return name === undefined ? null : (versions[name] ?? null);
}
