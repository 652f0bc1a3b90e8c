/**
 * The options of `kv ws-server`: from the texts of the command line to checked values.
 *
 *   argv → program.ts (names) → here (values, bounds, defaults) → src/ws-server.ts
 */
import { resolve } from "node:path";
import { UsageError } from "../base/errors.ts";
import {
  CHAT_HISTORY_COUNT_MAX,
  CHAT_ORIGINS_COUNT_MAX,
  CHAT_PAYLOAD_SIZE_MAX,
  CHAT_TOKEN_SIZE_MAX,
  CLIENTS_COUNT_MAX,
  THREADS_COUNT_MAX,
} from "../base/limits.ts";
import { formatSize, parseSize } from "../base/units.ts";
import type { ChatSettings } from "../chat/settings.ts";
import { readPasswordFile } from "./config-file.ts";
import { countOf, defaultThreads, type Given, hostOf, type OptionTexts } from "./serve-options.ts";

const KIB = 1024;
const RATE_MAX = 1_000_000;
const ROOMS_MAX = 1_000_000;
const BACKLOG_SIZE_MIN = 64 * KIB;
const BACKLOG_SIZE_MAX = 1024 * KIB * KIB;

/**
 * Fan-out is bound by the kernel's sending, which clients on the same machine pay for as well: on 2
 * cores, two threads deliver 0.6 to 0.7 times what one does: scripts/ws-fan-out.ts --threads 2.
 */
function halfOfCores(): number {
  return Math.max(1, defaultThreads() >> 1);
}

/** The checked options. Throws UsageError on a value that is not allowed. */
export function chatSettingsFrom(typed: OptionTexts): ChatSettings {
  function checked<T>(option: string, otherwise: T, check: (given: Given) => T): T {
    const text = typed[option];
    return text === undefined ? otherwise : check({ text, name: `--${option}` });
  }
  const settings: ChatSettings = {
    host: checked("host", "0.0.0.0", hostOf),
    port: checked("port", 3000, (it) => countOf(it, 0, 65_535)),
    threads: checked("threads", halfOfCores(), (it) => countOf(it, 1, THREADS_COUNT_MAX)),
    historyCount: checked("history", 50, (it) => countOf(it, 0, CHAT_HISTORY_COUNT_MAX)),
    payloadSizeMax: checked("max-payload", 64 * KIB, (it) => sizeOf(it, 1, CHAT_PAYLOAD_SIZE_MAX)),
    rateMax: checked("rate-limit", 10_000, (it) => countOf(it, 0, RATE_MAX)),
    clientsMax: checked("max-clients", 10_000, (it) => countOf(it, 1, CLIENTS_COUNT_MAX)),
    roomsMax: checked("max-rooms", 10_000, (it) => countOf(it, 1, ROOMS_MAX)),
    backlogSizeMax: checked("max-backlog", 16 * KIB * KIB, (it) =>
      sizeOf(it, BACKLOG_SIZE_MIN, BACKLOG_SIZE_MAX),
    ),
    origins: checked("allow-origin", [], originsOf),
    token: tokenOf(typed),
    bridge: checked("bridge", "", bridgeOf),
    dir: checked("dir", "", dirOf),
  };
  if (settings.dir !== "" && settings.historyCount === 0) {
    throw new UsageError("--dir: has no effect with --history 0, which keeps nothing");
  }
  if (settings.backlogSizeMax < settings.payloadSizeMax) {
    throw new UsageError(
      `--max-backlog: value is too small (${settings.backlogSizeMax} bytes), ` +
        `one message of --max-payload (${settings.payloadSizeMax} bytes) must fit`,
    );
  }
  return settings;
}

function dirOf({ text, name }: Given): string {
  if (text === "") throw new UsageError(`${name}: value is empty, give a directory`);
  return resolve(text);
}

function sizeOf({ text, name }: Given, min: number, max: number): number {
  const size = parseSize(text);
  if (size === null) {
    throw new UsageError(`${name}: not a size (${text}), use bytes or a unit: 64kb, 1mb`);
  }
  if (size < min) {
    throw new UsageError(
      `${name}: value is too small (${text}), at least ${formatSize(min)} is needed`,
    );
  }
  if (size > max) {
    throw new UsageError(
      `${name}: value is too large (${text}), at most ${formatSize(max)} is allowed`,
    );
  }
  return size;
}

/** "https://a.example,https://b.example:8443" or "*". */
function originsOf({ text, name }: Given): string[] {
  const origins = text.split(",").map((it) => it.trim().toLowerCase());
  if (origins.length > CHAT_ORIGINS_COUNT_MAX) {
    throw new UsageError(
      `${name}: too many (${origins.length}), at most ${CHAT_ORIGINS_COUNT_MAX} are allowed`,
    );
  }
  for (const origin of origins) {
    if (origin !== "*" && !isOrigin(origin)) {
      throw new UsageError(
        `${name}: not an origin (${origin}), use scheme://host[:port], separated by commas, or *`,
      );
    }
  }
  return origins;
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text;
}

/** The token is not repeated in messages. */
function tokenOf(typed: OptionTexts): string {
  const file = typed["token-file"];
  if (file !== undefined && typed.token !== undefined) {
    throw new UsageError(`--token-file: cannot be combined with --token (${file}), use one`);
  }
  const name = file === undefined ? "--token" : "--token-file";
  const token = file === undefined ? typed.token : readPasswordFile(file);
  if (token === undefined) return "";
  if (!/^[\x21-\x7e]+$/.test(token) || token.length > CHAT_TOKEN_SIZE_MAX) {
    const rule = `1 to ${CHAT_TOKEN_SIZE_MAX} visible ASCII characters without blanks`;
    throw new UsageError(`${name}: not a token, use ${rule}`);
  }
  return token;
}

const BRIDGE_SCHEMES = ["redis:", "rediss:", "nats:", "tls:"];

function bridgeOf({ text, name }: Given): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !BRIDGE_SCHEMES.includes(url.protocol) || url.hostname === "") {
    throw new UsageError(
      `${name}: not a URL of a bridge, use redis://host:port or nats://host:port`,
    );
  }
  return text;
}
