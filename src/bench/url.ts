/**
 * Where a server is: `redis://[user[:password]@]host[:port][/database]`, or just `host:port`.
 *
 * Pure: text in, plain data out. TLS and unix sockets are refused by name, since the raw driver
 * speaks plain TCP.
 */
import type { Endpoint } from "./drivers/resp-connection.ts";

/** An endpoint, and the requests that each connection to it begins with. */
export interface ServerUrl extends Endpoint {
  setup: string[][];
}

const PORT_DEFAULT = 6379;

/** Throws RangeError, worded to stand behind "--flag: ". */
export function parseServerUrl(text: string): ServerUrl {
  const full = text.includes("://") ? text : `redis://${text}`;
  if (!URL.canParse(full)) throw new RangeError(`not a URL (${text}), expected redis://host:port`);
  const url = new URL(full);
  if (url.protocol !== "redis:" && url.protocol !== "valkey:") {
    throw new RangeError(
      `${url.protocol}// is not supported (${text}), expected redis://host:port`,
    );
  }
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (host === "") throw new RangeError(`host is missing (${text}), expected redis://host:port`);
  const database = url.pathname.replace(/^\//, "");
  if (!/^\d*$/.test(database)) throw new RangeError(`database is not a number (${text})`);
  const setup: string[][] = [];
  const password = decodeURIComponent(url.password);
  const user = decodeURIComponent(url.username);
  if (password !== "") setup.push(user === "" ? ["AUTH", password] : ["AUTH", user, password]);
  if (Number(database) > 0) setup.push(["SELECT", database]);
  return { host, port: url.port === "" ? PORT_DEFAULT : Number(url.port), setup };
}
