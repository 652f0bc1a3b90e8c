/**
 * Where a server is: `redis://[user[:password]@]host[:port][/database]`, or just `host:port`; for
 * the other kinds nats:// and ws://, for NATS also wss://.
 *
 * Pure: text in, plain data out. TLS and unix sockets are refused by name, since the raw driver
 * speaks plain TCP.
 */
import type { BackendKind } from "./backends.ts";
import type { Endpoint } from "./drivers/resp-connection.ts";

/** An endpoint, and the requests that each connection to it begins with. */
export interface ServerUrl extends Endpoint {
  setup: string[][];
}

const PORT_DEFAULT = 6379;

/** What URLs of the other kinds begin with; the first is meant when nothing is said. */
const PROTOCOLS: Record<Exclude<BackendKind, "resp" | "in-process">, readonly string[]> = {
  nats: ["nats:", "ws:", "wss:"],
  websocket: ["ws:"],
};

/** Throws RangeError, worded to stand behind "--flag: ", when `text` is no URL of such a kind. */
export function checkUrl(text: string, kind: BackendKind): void {
  if (kind === "in-process") throw new RangeError(`has no effect in process (${text})`);
  if (kind === "resp") parseServerUrl(text);
  else parseUrl(text, PROTOCOLS[kind]);
}

/** Throws RangeError, worded to stand behind "--flag: ". */
export function parseServerUrl(text: string): ServerUrl {
  const url = parseUrl(text, ["redis:", "valkey:"]);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const database = url.pathname.replace(/^\//, "");
  if (!/^\d*$/.test(database)) throw new RangeError(`database is not a number (${text})`);
  if (url.search !== "" || url.hash !== "") {
    throw new RangeError(`parameters are not supported (${url.search}${url.hash})`);
  }
  if (url.username !== "" && url.password === "") {
    throw new RangeError(`password is missing (${url.username}@), expected user:password@`);
  }
  const setup: string[][] = [];
  const password = decodeURIComponent(url.password);
  const user = decodeURIComponent(url.username);
  if (password !== "") setup.push(user === "" ? ["AUTH", password] : ["AUTH", user, password]);
  if (Number(database) > 0) setup.push(["SELECT", database]);
  return { host, port: url.port === "" ? PORT_DEFAULT : Number(url.port), setup };
}

/** Who logs in to which database, for a client library that does it by itself. */
export interface Login {
  /** Empty: the default user. */
  user: string;
  /** Empty: nobody logs in. */
  password: string;
  database: number;
}

export function loginOf({ setup }: ServerUrl): Login {
  const argumentsOf = (command: string) => setup.find(([name]) => name === command)?.slice(1) ?? [];
  const [first = "", second] = argumentsOf("AUTH");
  const database = Number(argumentsOf("SELECT")[0] ?? 0);
  return second === undefined
    ? { user: "", password: first, database }
    : { user: first, password: second, database };
}

/** Any URL with a host whose protocol is among `protocols`, the first of which may be left out. */
function parseUrl(text: string, protocols: readonly string[]): URL {
  const expected = `expected ${protocols[0]}//host:port`;
  const full = text.includes("://") ? text : `${protocols[0]}//${text}`;
  if (!URL.canParse(full)) throw new RangeError(`not a URL (${text}), ${expected}`);
  const url = new URL(full);
  if (!protocols.includes(url.protocol)) {
    throw new RangeError(`${url.protocol}// is not supported (${text}), ${expected}`);
  }
  if (url.hostname === "") throw new RangeError(`host is missing (${text}), ${expected}`);
  return url;
}
