/**
 * The server of a fan-out run before its connections are there: started when it is ours, asked what
 * it is, and its process found, so that its processor time can be read.
 */
import { availableParallelism } from "node:os";
import { FatalError, reasonOf } from "../../base/errors.ts";
import { backendOf } from "../backends.ts";
import { ControlConnection } from "../drivers/control.ts";
import { NatsConnection, type NatsInfo, parseNatsUrl } from "../drivers/nats-connection.ts";
import { Wire } from "../drivers/wire.ts";
import { parseWsUrl } from "../drivers/ws-connection.ts";
import { listeningProcess } from "../listening-process.ts";
import type { ServerClock } from "../measure.ts";
import { startOwnServer } from "../own-server.ts";
import { localProcessOf, localProcessorNs } from "../processor-time.ts";
import type { SessionContext } from "../session.ts";
import { readTargetFacts, readUsedProcessorNs, type TargetFacts } from "../target-facts.ts";
import { parseServerUrl } from "../url.ts";

export interface Server {
  name: string;
  /** Where it is, also when it was started here. */
  url: string;
  endpoint: string;
  isStartedHere: boolean;
  facts: TargetFacts;
  clock: ServerClock;
  processId: number | null;
  /** Null when it has no limit that it tells. */
  messageSizeMax: number | null;
  close(): Promise<void>;
}

/** Throws FatalError when it cannot be reached, with a hint how to start it. */
export function openServer(context: SessionContext): Promise<Server> {
  switch (backendOf(context.target.backend).kind) {
    case "resp":
      return openRespServer(context);
    case "nats":
      return openNatsServer(context);
    default:
      return openWebSocketServer(context);
  }
}

async function openRespServer(context: SessionContext): Promise<Server> {
  const { target, selfCommand, progress } = context;
  const own = target.url === null ? await startOwnServer(selfCommand, target.threads) : null;
  const url = target.url ?? `redis://${own?.endpoint.host}:${own?.endpoint.port}`;
  if (own !== null) progress.say(`Started ${own.command} (${url.slice(8)}), in memory only`);
  const { host, port, setup } = parseServerUrl(url);
  let control: ControlConnection | null = null;
  try {
    control = await reach(context, host, port, () => ControlConnection.connect({ host, port }));
    await control.setUp(setup);
    const facts = await readTargetFacts(control);
    const processId = localProcessOf(facts, host);
    const { threads } = facts;
    const usedNs = readUsedProcessorNs.bind(null, control);
    return {
      name: target.backend,
      url,
      endpoint: `${host}:${port}`,
      isStartedHere: own !== null,
      facts,
      processId,
      clock:
        processId === null
          ? { readNs: usedNs, source: "server", threads }
          : kernelClock(processId, threads),
      messageSizeMax: null,
      async close() {
        control?.close();
        await own?.stop();
      },
    };
  } catch (error) {
    control?.close();
    await own?.stop();
    throw error;
  }
}

/** NATS tells neither its process nor its threads: it uses all processors of its machine. */
async function openNatsServer(context: SessionContext): Promise<Server> {
  const { target } = context;
  const text = target.url ?? "";
  if (target.client === "nats-ws") {
    const { askNatsOverWebSocket } = await import("../drivers/nats-library-fanout.ts");
    const { url, host, port, info } = await askNatsOverWebSocket(text);
    return natsServer(url, host, port, info);
  }
  if (/^wss?:/.test(text)) {
    const hint = "--client nats-ws speaks NATS over WebSocket";
    throw new FatalError(`Cannot reach nats at ${text}: ${target.client} speaks TCP only`, hint);
  }
  const url = parseNatsUrl(text);
  const { host, port } = url;
  const connection = await reach(context, host, port, () =>
    NatsConnection.connect(url, null, NOTHING_TO_DO),
  );
  connection.close();
  return natsServer(text, host, port, connection.info);
}

const NOTHING_TO_DO = {
  onRead() {},
  onMessage() {},
  onPong() {},
  onWritable() {},
  onErrorReply() {},
  onLost() {},
};

function natsServer(url: string, host: string, port: number, info: NatsInfo): Server {
  const processId = listeningProcess(host, port);
  const { version, messageSizeMax } = info;
  const settings = { max_payload: String(messageSizeMax) };
  const facts = { ...UNKNOWN_FACTS, serverName: "nats", version, processId, settings };
  return {
    name: "nats",
    url,
    endpoint: `${host}:${port}`,
    isStartedHere: false,
    facts,
    processId,
    clock: processId === null ? NO_CLOCK : kernelClock(processId, availableParallelism()),
    messageSizeMax,
    close: async () => {},
  };
}

async function openWebSocketServer(context: SessionContext): Promise<Server> {
  const { target } = context;
  const url = target.url ?? "";
  const { host, port } = parseWsUrl(url);
  const wire = await reach(context, host, port, () => Wire.connect({ host, port }, SILENT));
  wire.close();
  const processId = listeningProcess(host, port);
  return {
    name: target.backend,
    url,
    endpoint: `${host}:${port}`,
    isStartedHere: false,
    facts: { ...UNKNOWN_FACTS, processId },
    processId,
    clock: processId === null ? NO_CLOCK : kernelClock(processId, null),
    messageSizeMax: null,
    close: async () => {},
  };
}

const SILENT = { onBytes() {}, onWritable() {}, onClosed() {} };

const UNKNOWN_FACTS: TargetFacts = {
  serverName: null,
  version: null,
  mode: null,
  processId: null,
  uptimeSeconds: null,
  threads: null,
  keysBefore: null,
  settings: {},
};

const NO_CLOCK: ServerClock = { readNs: () => null, source: "none", threads: null };

function kernelClock(processId: number, threads: number | null): ServerClock {
  return { readNs: () => localProcessorNs(processId), source: "kernel", threads };
}

/** Adds to a failure what was to be reached and how it would be started. */
async function reach<T>(
  { target }: SessionContext,
  host: string,
  port: number,
  connect: () => Promise<T>,
): Promise<T> {
  try {
    return await connect();
  } catch (error) {
    const { name, startCommand } = backendOf(target.backend);
    const isRefused = (error as { code?: unknown }).code === "ECONNREFUSED";
    const reason = isRefused ? "connection refused" : reasonOf(error);
    const words = reason.replace(`Cannot connect to ${host}:${port}: `, "");
    const hint = `start it with: ${startCommand(port)}`;
    throw new FatalError(`Cannot reach ${name} at ${host}:${port}: ${words}`, hint);
  }
}
