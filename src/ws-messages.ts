/**
 * What the main thread and the Workers of `kv ws-server` say to each other; what the Workers say
 * among themselves goes over chat/bus.ts.
 *
 *      main ── start ──> Worker ── listening (or failed) ──> main ── stop ──> Worker ── stopped ──>
 */
import type { ChatPlan } from "./chat/settings.ts";

/** One end of a connection between two threads. */
export interface PeerEnd {
  readonly port: MessagePort;
  readonly taken: SharedArrayBuffer;
  readonly ours: 0 | 1;
}

/** To a Worker. */
export type ToChatWorker =
  | {
      readonly type: "start";
      readonly plan: ChatPlan;
      readonly worker: number;
      /** The port to join; 0 lets this Worker take a free one. */
      readonly port: number;
      readonly peers: readonly PeerEnd[];
    }
  | { readonly type: "stop"; readonly graceMs: number };

/** From a Worker. */
export type FromChatWorker =
  | { readonly type: "listening"; readonly port: number }
  | { readonly type: "failed"; readonly message: string; readonly hint: string | undefined }
  | { readonly type: "stopped" };
