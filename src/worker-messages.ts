/**
 * What the main thread and the Workers of `kv serve` say to each other, apart from asks
 * (net/peers.ts).
 *
 *      main                         serving Worker            upkeep Worker
 *        |-- start ---------------------->|                         |
 *        |<- listening (or failed) -------|                         |
 *        |-- start ---------------------------------------------->  |
 *        |            ... asks, answers, stop-requested ...         |
 *        |<- pubsub-body (to another) ----|                         |
 *        |-- pubsub-body ---------------->|                         |
 *        |-- stop ----------------------->|-----------------------> |
 *        |<- stopped ---------------------|<----------------------- |
 *
 * With a log there is a flush Worker as well. It blocks, so it is stopped through shared memory
 * when all others have stopped, and answers "flushed".
 *
 * Everything here survives structuredClone; SharedArrayBuffers in it are shared, not copied.
 */
import type { PeerMessage, PeerRequest } from "./net/peers.ts";
import type { PubSubHandle } from "./pubsub/layout.ts";
import type { StoreHandle } from "./store/memory.ts";

/** What all Workers of a server share. */
export interface ServerPlan {
  readonly store: StoreHandle;
  readonly pubsub: PubSubHandle;
  /** Memory of ServerStats: one row per serving Worker and one for upkeep. */
  readonly stats: SharedArrayBuffer;
  /** Word 0: clients of the process; see net/connections.ts. */
  readonly clients: SharedArrayBuffer;
  /** Settings.toPlain() as the server was started. */
  readonly settings: Record<string, unknown>;
  /** Serving Workers. */
  readonly threads: number;
  /** Clients that the limit on descriptors allows. */
  readonly descriptorsClientsMax: number;
  readonly startedMs: number;
  readonly runId: string;
  readonly executable: string;
}

/** To a Worker. */
export type ToWorker =
  | {
      readonly type: "start";
      readonly plan: ServerPlan;
      /** 0 to threads - 1 for serving Workers, threads for upkeep. */
      readonly worker: number;
      /** The port to join; 0 lets this Worker take a free one. */
      readonly port: number;
    }
  | { readonly type: "stop" }
  | { readonly type: "active-expire"; readonly isOn: boolean }
  | PubSubBody
  | PeerMessage;

/** From a Worker. */
export type FromWorker =
  | { readonly type: "listening"; readonly port: number }
  /** It cannot start: the message and hint of its FatalError. */
  | { readonly type: "failed"; readonly message: string; readonly hint: string | undefined }
  | { readonly type: "stop-requested" }
  | { readonly type: "active-expire"; readonly isOn: boolean }
  | { readonly type: "stopped" }
  /** The flush Worker has ended: everything is durable. */
  | { readonly type: "flushed" }
  | PubSubBody
  | PeerRequest;

/** A large message on its way to a Worker (pubsub/large.ts): transferred, never copied. */
export interface PubSubBody {
  readonly type: "pubsub-body";
  readonly to: number;
  readonly id: number;
  readonly body: ArrayBuffer;
}
