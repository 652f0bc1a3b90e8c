/**
 * One connection of a client library: operations in, calls out, replies judged.
 *
 *      pacer ── send(n) ──> stream.next() ──> library call ── promise ──> checks, recorder
 *
 * Everything that an application would do is inside of the time that is measured: making the key,
 * calling the library, waiting for its promise.
 */
import { nanoseconds } from "../../base/clock.ts";
import { reasonOf } from "../../base/errors.ts";
import type { ClientLibrary, LibraryConnection } from "../drivers/client-library.ts";
import { requestWords } from "../drivers/request-words.ts";
import type { OperationName } from "../plan.ts";
import type { ReplyChecks } from "../reply-checks.ts";
import type { LoadPlan } from "../workloads/make-encoder.ts";
import type { KeyTexts } from "../workloads/operation-stream.ts";
import type { RequestEncoder } from "../workloads/requests.ts";
import type { PacedConnection } from "./pacer.ts";
import type { PhaseWork } from "./phase-work.ts";

/** What a connection reports to, and what it needs while a phase runs. */
export interface ClientOwner {
  readonly library: ClientLibrary;
  readonly plan: LoadPlan;
  readonly keys: KeyTexts;
  readonly lists: KeyTexts;
  /** The phase under way. */
  readonly work: PhaseWork | null;
  /** One more operation of `connection` is answered. */
  onReply(connection: ClientConnection): void;
  /** The connection cannot go on. */
  onFailure(reason: string): void;
}

const PING = [Buffer.from("PING")];
const PINGS_AT_ONCE = 100;

export class ClientConnection implements PacedConnection {
  operationsOpen = 0;
  readonly ring = { intendedNs: 0 };
  readonly #owner: ClientOwner;
  readonly #library: LibraryConnection;

  constructor(owner: ClientOwner, library: LibraryConnection) {
    this.#owner = owner;
    this.#library = library;
  }

  /** Warms the library up. */
  async ping(count: number): Promise<void> {
    for (let sent = 0; sent < count; sent += PINGS_AT_ONCE) {
      const batch = Math.min(PINGS_AT_ONCE, count - sent);
      await Promise.all(Array.from({ length: batch }, () => this.#library.send(PING)));
    }
  }

  send(count: number): void {
    const { work } = this.#owner;
    if (work === null) throw new RangeError("no phase is under way");
    this.operationsOpen += count;
    for (let i = 0; i < count; i++) this.#start(work);
  }

  close(): void {
    this.#library.close();
  }

  #start(work: PhaseWork): void {
    const { stream, command } = work;
    const startNs = nanoseconds();
    const { intendedNs } = this.ring;
    if (command !== null) {
      void this.#settle(this.#command(command, work.checks), work, 0, intendedNs, startNs);
    } else if (stream !== null) {
      stream.next();
      const { operation, key, argument } = stream;
      const call = this.#call(stream.names[operation]!, key, argument, work);
      void this.#settle(call, work, operation, intendedNs, startNs);
    }
  }

  /** Waits for the operation's end. Never throws: nobody waits for it. */
  async #settle(
    call: Promise<void>,
    { checks, recorder }: PhaseWork,
    operation: number,
    intendedNs: number,
    startNs: number,
  ): Promise<void> {
    try {
      await this.#judge(call, checks);
    } catch (error) {
      // What a broken connection leaves behind is not an answer.
      return this.#owner.onFailure(reasonOf(error));
    }
    this.operationsOpen--;
    recorder.done(operation, intendedNs, startNs, nanoseconds());
    this.#owner.onReply(this);
  }

  /** Waits for a reply; an error reply is counted. Throws what is no reply at all. */
  async #judge<T>(
    call: Promise<T>,
    checks: ReplyChecks,
    judge?: (reply: T) => void,
  ): Promise<void> {
    let reply: T;
    try {
      reply = await call;
    } catch (error) {
      const text = this.#owner.library.errorReplyOf(error);
      if (text === null) throw error;
      return checks.refused(text);
    }
    judge?.(reply);
  }

  /** Issues the requests of one operation, waits for the replies and judges them. */
  async #call(
    name: OperationName,
    key: number,
    argument: number,
    { checks, space }: PhaseWork,
  ): Promise<void> {
    const { keys, lists, plan } = this.#owner;
    const library = this.#library;
    switch (name) {
      case "set":
        return checks.ok(await library.set(keys.of(key), checks.written(key)));
      case "insert":
        checks.ok(await library.set(keys.of(key), checks.written(key)));
        return space.answered(key);
      case "get":
        checks.readsCount++;
        return checks.value(key, await library.get(keys.of(key)));
      case "rmw": {
        const text = keys.of(key);
        checks.readsCount++;
        checks.value(key, await library.get(text));
        return checks.ok(await library.set(text, checks.written(key)));
      }
      case "scan": {
        checks.readsCount += argument;
        const texts = Array.from({ length: argument }, (_, i) => keys.of(key + i));
        return checks.values(key, argument, await library.getMany(texts));
      }
      case "push": {
        const text = lists.of(key);
        // Both are on their way before the first is answered, and each can be refused.
        const pushing = library.pushHead(text, checks.written(argument));
        const trimming = library.trim(text, 0, plan.chat.historyLength - 1);
        const trimmed = this.#judge(trimming, checks, (reply) => checks.ok(reply));
        await Promise.all([this.#judge(pushing, checks, (reply) => checks.count(reply)), trimmed]);
        return;
      }
      case "range":
        checks.readsCount++;
        return checks.items(await library.range(lists.of(key), 0, plan.chat.readSize - 1));
      case "command":
        throw new RangeError("a template is no operation of a mix");
    }
  }

  async #command(encoder: RequestEncoder, checks: ReplyChecks): Promise<void> {
    const readsBefore = encoder.readsCount;
    const end = encoder.encode(1, null);
    const isRead = encoder.readsCount > readsBefore;
    checks.anything(await this.#library.send(requestWords(encoder.bytes, end)), isRead);
  }
}
