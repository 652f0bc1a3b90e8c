/**
 * NATS through its own client libraries: @nats-io/transport-node over TCP, nats.ws over WebSocket.
 *
 * Loaded only for `--client nats` and `nats-ws`. A batch is acknowledged by `flush`, which is a
 * PING and its PONG, as in the raw driver.
 */
import { nanoseconds } from "../../base/clock.ts";
import { FatalError, reasonOf } from "../../base/errors.ts";
import {
  connectMany,
  type FanoutDriver,
  type FanoutOwner,
  type FanoutSetup,
} from "../fanout/driver.ts";
import { LibraryPublisher, libraryDriver } from "../fanout/library.ts";
import { bareFrame, MessageSource } from "../fanout/source.ts";
import { type NatsInfo, parseNatsUrl } from "./nats-connection.ts";

/** The port of the WebSocket listener in docker-compose.yml; NATS has no default of its own. */
const WEBSOCKET_PORT = 9222;

/** What is used of both libraries. */
interface Client {
  info?: { version: string; max_payload: number } | undefined;
  publish(subject: string, data: Uint8Array): void;
  flush(): Promise<void>;
  subscribe(
    subject: string,
    options: { callback: (error: Error | null, message: { data: Uint8Array }) => void },
  ): unknown;
  closed(): Promise<unknown>;
  close(): Promise<void>;
}

interface ClientOptions {
  servers: string;
  reconnect: false;
  user?: string;
  pass?: string;
  token?: string;
}

type Connect = (options: ClientOptions) => Promise<Client>;

export async function connectNatsFanout(
  setup: FanoutSetup,
  owner: FanoutOwner,
): Promise<FanoutDriver> {
  const { connect } = await import("@nats-io/transport-node");
  const { url } = setup.context.target;
  const { host, port } = parseNatsUrl(url ?? "");
  return connectFanout(connect, optionsOf(url ?? "", `${host}:${port}`), setup, owner);
}

export async function connectNatsWsFanout(
  setup: FanoutSetup,
  owner: FanoutOwner,
): Promise<FanoutDriver> {
  const { connect } = await import("nats.ws");
  const { url } = setup.context.target;
  return connectFanout(connect, optionsOf(url ?? "", serverOf(url ?? "")), setup, owner);
}

/** What the server behind a `ws://` URL, or behind the usual port of a `nats://` one, says. */
export async function askNatsOverWebSocket(
  text: string,
): Promise<{ url: string; host: string; port: number; info: NatsInfo }> {
  const { connect } = await import("nats.ws");
  const url = webSocketUrl(text);
  let client: Client;
  try {
    client = await connect(optionsOf(url, serverOf(url)));
  } catch (error) {
    throw new FatalError(
      `Cannot reach nats at ${url}: ${reasonOf(error)}`,
      "--nats-url ws://host:port of the server's `websocket { port: …, no_tls: true }`",
    );
  }
  const { version = "unknown", max_payload: messageSizeMax = 0 } = client.info ?? {};
  await client.close();
  const { protocol, hostname, port } = new URL(url);
  const portDefault = protocol === "wss:" ? 443 : 80;
  const info = { version, messageSizeMax };
  return { url, host: hostname, port: port === "" ? portDefault : Number(port), info };
}

/** A `ws://` URL as it is; for another, the same host at WEBSOCKET_PORT. */
function webSocketUrl(text: string): string {
  if (/^wss?:/.test(text)) return text;
  const url = new URL(text.includes("://") ? text : `nats://${text}`);
  const login = url.username === "" ? "" : `${url.username}:${url.password}@`.replace(":@", "@");
  return `ws://${login}${url.hostname}:${WEBSOCKET_PORT}`;
}

/** The URL without its credentials, which these libraries take apart from it. */
function serverOf(text: string): string {
  const { protocol, host, pathname } = new URL(text);
  return `${protocol}//${host}${pathname === "/" ? "" : pathname}`;
}

function optionsOf(text: string, servers: string): ClientOptions {
  const { user, password } = parseNatsUrl(text);
  const login = user === "" ? {} : password === "" ? { token: user } : { user, pass: password };
  return { servers, reconnect: false, ...login };
}

async function connectFanout(
  connect: Connect,
  options: ClientOptions,
  setup: FanoutSetup,
  owner: FanoutOwner,
): Promise<FanoutDriver> {
  const { publishersCount, subscribersCount, pool, name } = setup;
  const subject = `bench.${name}`;
  const traffic = { out: 0, in: 0 };
  const source = new MessageSource(pool, publishersCount, bareFrame);
  let isClosing = false;
  async function open(onLost: (reason: string) => void) {
    const client = await connect(options);
    void client.closed().then((error) => {
      if (!isClosing)
        onLost((error instanceof Error && error.message) || "the server closed the connection");
    });
    return { client, close: () => void client.close() };
  }
  const subscribers = await connectMany(subscribersCount, async (index) => {
    const link = await open((reason) => owner.onCut(index, reason));
    link.client.subscribe(subject, {
      callback(error, { data }) {
        if (error !== null) return;
        const bytes = Buffer.from(data.buffer, data.byteOffset, data.length);
        traffic.in += bytes.length;
        owner.onDelivery(index, bytes, 0, bytes.length, nanoseconds());
      },
    });
    await link.client.flush();
    return link;
  });
  const closeAll = (links: { close(): void }[]) => {
    isClosing = true;
    for (const link of links) link.close();
  };
  try {
    const links = await connectMany(publishersCount, () => open((it) => owner.onFailure(it)));
    const publishers = links.map(({ client }, index) => {
      const publish = (message: Buffer) => client.publish(subject, message);
      return new LibraryPublisher(owner, index, source, traffic, publish, () => client.flush());
    });
    return libraryDriver(source, publishers, traffic, () => closeAll([...subscribers, ...links]));
  } catch (error) {
    closeAll(subscribers);
    throw error;
  }
}
