/**
 * client-output-buffer-limit: "<class> <hard> <soft> <soft seconds>", for one class or several.
 *
 * Classes that a text does not name keep what they have. CONFIG GET shows all of them, replicas
 * under their old name.
 */
import type { OutputLimit, Settings } from "../base/settings.ts";
import { type Parameter, parseMemorySize } from "./config-kinds.ts";

const WORDS_PER_CLASS = 4;

interface ClassLimit {
  readonly field: "outputNormal" | "outputReplica" | "outputPubsub";
  readonly limit: OutputLimit;
}

export const outputLimitParameter: Parameter = {
  name: "client-output-buffer-limit",
  isImmutable: false,
  read: (settings) =>
    `normal ${shown(settings.outputNormal)} slave ${shown(settings.outputReplica)}` +
    ` pubsub ${shown(settings.outputPubsub)}`,
  refuse: (text) => {
    const limits = parse(text);
    return typeof limits === "string" ? limits : null;
  },
  apply: (settings, text) => {
    const limits = parse(text);
    if (typeof limits !== "string")
      for (const { field, limit } of limits) set(settings, field, limit);
  },
};

function set(settings: Settings, field: ClassLimit["field"], limit: OutputLimit): void {
  settings[field] = limit;
}

function shown(limit: OutputLimit): string {
  return `${limit.hardBytes} ${limit.softBytes} ${limit.softSeconds}`;
}

/** The limits in `text`, or why there are none. */
function parse(text: string): ClassLimit[] | string {
  const words = text.split(" ").filter((word) => word !== "");
  if (words.length % WORDS_PER_CLASS !== 0) {
    return "Wrong number of arguments in buffer limit configuration.";
  }
  const limits: ClassLimit[] = [];
  for (let i = 0; i < words.length; i += WORDS_PER_CLASS) {
    const field = fieldOf((words[i] as string).toLowerCase());
    if (field === null) return "Invalid client class specified in buffer limit configuration.";
    const hardBytes = parseMemorySize(words[i + 1] as string);
    const softBytes = parseMemorySize(words[i + 2] as string);
    const seconds = words[i + 3] as string;
    if (hardBytes === null || softBytes === null || !/^\d{1,9}$/.test(seconds)) {
      return "Error in hard, soft or soft_seconds setting in buffer limit configuration.";
    }
    limits.push({ field, limit: { hardBytes, softBytes, softSeconds: Number(seconds) } });
  }
  return limits;
}

function fieldOf(name: string): ClassLimit["field"] | null {
  if (name === "normal") return "outputNormal";
  if (name === "slave" || name === "replica") return "outputReplica";
  return name === "pubsub" ? "outputPubsub" : null;
}
