/**
 * What the engine's suite and its Workers tell each other, and the gate at which they meet.
 *
 *      gate: | ready: Workers that are warm | open: 0, then 1 |
 */
import type { StoreHandle } from "../../store/embedded.ts";
import type { EngineJob } from "./work.ts";

export type EngineMessage =
  | { kind: "attach"; handle: StoreHandle }
  | { kind: "job"; job: EngineJob; gate: Int32Array };

export const GATE_READY = 0;
export const GATE_OPEN = 1;
export const GATE_WORDS = 2;
