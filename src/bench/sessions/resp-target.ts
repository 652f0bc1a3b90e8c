/**
 * A server that speaks RESP, while a session measures it, whatever the client: where it is, the
 * server that was started here, and a control connection that asks the server what it is and how
 * much processor time it used.
 */
import { FatalError, reasonOf } from "../../base/errors.ts";
import { ReplyError } from "../../resp/reader.ts";
import { backendOf } from "../backends.ts";
import { ControlConnection } from "../drivers/control.ts";
import type { ServerClock } from "../measure.ts";
import { type OwnServer, startOwnServer } from "../own-server.ts";
import { localProcessOf, localProcessorNs } from "../processor-time.ts";
import type { SessionContext } from "../session.ts";
import { readTargetFacts, readUsedProcessorNs, type TargetFacts } from "../target-facts.ts";
import { parseServerUrl, type ServerUrl } from "../url.ts";

export class RespTarget {
  readonly url: ServerUrl;
  readonly facts: TargetFacts;
  readonly isStartedHere: boolean;
  readonly #own: OwnServer | null;
  readonly #control: ControlConnection;

  private constructor(
    own: OwnServer | null,
    url: ServerUrl,
    control: ControlConnection,
    facts: TargetFacts,
  ) {
    this.#own = own;
    this.url = url;
    this.#control = control;
    this.facts = facts;
    this.isStartedHere = own !== null;
  }

  /**
   * Starts a server where the target has no URL. Throws FatalError when it cannot be reached, with
   * a hint how to start it, or does not let us in.
   */
  static async open(context: SessionContext): Promise<RespTarget> {
    const { target, selfCommand, progress } = context;
    const own = target.url === null ? await startOwnServer(selfCommand, target.threads) : null;
    if (own !== null) {
      const { host, port } = own.endpoint;
      progress.say(`Started ${own.command} (${host}:${port}), in memory only`);
    }
    let control: ControlConnection | null = null;
    try {
      const url: ServerUrl =
        own === null ? parseServerUrl(target.url ?? "") : { ...own.endpoint, setup: [] };
      control = await connectControl(context, url);
      return new RespTarget(own, url, control, await readTargetFacts(control));
    } catch (error) {
      control?.close();
      await own?.stop();
      throw error;
    }
  }

  get endpoint(): string {
    return `${this.url.host}:${this.url.port}`;
  }

  /** By the kernel when the server runs on this machine, else by its own account. */
  serverClock(): ServerClock {
    const { facts, url } = this;
    const control = this.#control;
    const processId = localProcessOf(facts, url.host);
    const { threads } = facts;
    return processId === null
      ? { readNs: () => readUsedProcessorNs(control), source: "server", threads }
      : { readNs: () => localProcessorNs(processId), source: "kernel", threads };
  }

  async close(): Promise<void> {
    this.#control.close();
    await this.#own?.stop();
  }
}

async function connectControl(
  { target }: SessionContext,
  { host, port, setup }: ServerUrl,
): Promise<ControlConnection> {
  const backend = backendOf(target.backend);
  let control: ControlConnection;
  try {
    control = await ControlConnection.connect({ host, port });
  } catch (error) {
    const what = `Cannot reach ${backend.name} at ${host}:${port}`;
    const hint = `start it with: ${backend.startCommand(port)}`;
    throw new FatalError(`${what}: ${connectReason(error)}`, hint);
  }
  for (const args of setup) {
    const reply = await control.request(...args);
    if (!(reply instanceof ReplyError)) continue;
    control.close();
    throw new FatalError(`Cannot log in: ${reply.text}`);
  }
  return control;
}

function connectReason(error: unknown): string {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return code === "ECONNREFUSED" ? "connection refused" : reasonOf(error);
}
