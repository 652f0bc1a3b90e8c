/**
 * What `kv bench` and its load processes say to each other, as JSON over the channel that Bun opens
 * between a process and its child.
 *
 *      parent   open ──────> warmUp ──────> prepare ──────> run ──────> …   (the channel closes)
 *      child         done <─────── done <────────── done <──────── progress …, result
 *
 * Each request has one answer (`done`, `result`, `listening`, `failed`). `prepare` is the barrier:
 * `run` goes to all processes when all of them have only to send.
 */
import type { RequestPhase } from "../plan.ts";
import type { LoadResult } from "./load.ts";
import type { OpenLoadOptions } from "./open-load.ts";

/** The hidden subcommand that makes a process of this program a load process. */
export const WORKER_COMMAND = "__bench-worker";

export type WorkerRequest =
  | { kind: "open"; options: OpenLoadOptions }
  | { kind: "warmUp"; phase: RequestPhase }
  | { kind: "prepare"; phase: RequestPhase }
  | { kind: "run" }
  /** To be a server that answers every `requestSize` bytes with `reply` (latin1). */
  | { kind: "sink"; requestSize: number; reply: string };

export type WorkerAnswer =
  | { kind: "done" }
  | { kind: "progress"; done: number }
  | { kind: "result"; result: LoadResult }
  | { kind: "listening"; port: number }
  | { kind: "failed"; message: string; hint: string | null };
