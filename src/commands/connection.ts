/** The connection family: placeholder until its commands land. */
import type { CommandSpec } from "./command.ts";

export const connectionCommands: readonly CommandSpec[] = [];
