/**
 * DEBUG: what tests need to reach into a server.
 *
 * Only where `enable-debug-command` allows it: "local", the default here, means connections from
 * this machine. (Redis' default is "no"; DEBUG here can neither crash the server nor read memory,
 * so tests run without a special start.) Subcommands that tune what does not exist here
 * (QUICKLIST-PACKED-THRESHOLD, DICT-RESIZING) are accepted.
 *
 * Redis has no metadata for its subcommands, so they are told apart here and not in the table.
 */
import { errorTexts, unknownSubcommandOrCount } from "../resp/errors.ts";
import type { ReplyWriter } from "../resp/writer.ts";
import { type Cursor, TYPE_LIST } from "../store/cursor.ts";
import type { CommandSpec } from "./command.ts";
import { parseMemorySize } from "./config-kinds.ts";
import type { Context } from "./context.ts";
import { encodingOf } from "./encoding.ts";
import { helpLines, writeLines } from "./help.ts";
import { lookAt } from "./memory.ts";

const MS_PER_SECOND = 1000;
/** Longer sleeps than this are a slip of the keyboard: the Worker that sleeps serves nobody. */
const SLEEP_SECONDS_MAX = 3600;
const PACKED_THRESHOLD_MAX = 4 * 1024 ** 3;

interface DebugSubcommand {
  /** Arguments, DEBUG and the name included. */
  readonly count: number;
  readonly help: readonly string[];
  run(c: Context): void;
}

const subcommands: Readonly<Record<string, DebugSubcommand>> = {
  SLEEP: {
    count: 3,
    help: ["SLEEP <seconds>", "Stop the thread that serves this client. Decimals allowed."],
    run: sleep,
  },
  OBJECT: {
    count: 3,
    help: ["OBJECT <key>", "Show low level info about `key` and associated value."],
    run: object,
  },
  "SET-ACTIVE-EXPIRE": {
    count: 3,
    help: ["SET-ACTIVE-EXPIRE <0|1>", "Turn the background removal of expired keys off or on."],
    run: setActiveExpire,
  },
  PROTOCOL: {
    count: 3,
    help: ["PROTOCOL <type>", "Reply with a test value of the specified type."],
    run: protocol,
  },
  ERROR: {
    count: 3,
    help: ["ERROR <string>", "Return a RESP protocol error with <string> as message."],
    run: (c) => c.out.error(c.text(2)),
  },
  LOG: {
    count: 3,
    help: ["LOG <message>", "Accepted; test suites mark their place with it."],
    run: (c) => c.out.ok(),
  },
  "QUICKLIST-PACKED-THRESHOLD": {
    count: 3,
    help: ["QUICKLIST-PACKED-THRESHOLD <size>", "Accepted; there are no packed nodes here."],
    run: packedThreshold,
  },
  "DICT-RESIZING": {
    count: 3,
    help: ["DICT-RESIZING <0|1>", "Accepted; the index grows by single buckets."],
    run: (c) => c.out.ok(),
  },
};

function debug(c: Context): void {
  if (!isAllowed(c)) {
    c.out.error(errorTexts.debugNotAllowed);
    return;
  }
  const name = c.text(1).toUpperCase();
  if (name === "HELP" && c.count === 2) {
    writeLines(c, allHelp());
    return;
  }
  const found = Object.hasOwn(subcommands, name) ? subcommands[name] : undefined;
  if (found === undefined || found.count !== c.count) {
    c.out.error(unknownSubcommandOrCount(c.text(1), "DEBUG"));
    return;
  }
  found.run(c);
}

function isAllowed(c: Context): boolean {
  const setting = c.settings.enableDebugCommand;
  return setting === "yes" || (setting === "local" && c.session.isLocal);
}

function allHelp(): string[] {
  return helpLines(
    "debug",
    Object.values(subcommands).map((one) => one.help),
  );
}

/**
 * Stops this Worker, as a stuck command would: its clients wait, those of the other Workers do not.
 */
function sleep(c: Context): void {
  const seconds = Number.parseFloat(c.text(2));
  if (seconds > 0) Bun.sleepSync(Math.min(seconds, SLEEP_SECONDS_MAX) * MS_PER_SECOND);
  c.out.ok();
}

function object(c: Context): void {
  const text = lookAt(c, 2, (cursor) => describe(c, cursor));
  if (text === null) c.out.error(errorTexts.noSuchKey);
  else c.out.simple(text);
}

function describe(c: Context, cursor: Cursor): string {
  const address = `${cursor.slot.toString(16)}${cursor.offset.toString(16).padStart(8, "0")}`;
  const idleSeconds = Math.floor(c.store.idleMs(cursor) / MS_PER_SECOND);
  const length = cursor.type === TYPE_LIST ? c.store.memoryUsage(cursor) : cursor.valueLength + 1;
  const lruSeconds = (Math.floor(c.nowMs / MS_PER_SECOND) - idleSeconds) & 0xff_ffff;
  return (
    `Value at:0x${address} refcount:1 encoding:${encodingOf(c.store, cursor)} ` +
    `serializedlength:${length} lru:${lruSeconds} lru_seconds_idle:${idleSeconds}`
  );
}

function setActiveExpire(c: Context): void {
  const isOn = Number.parseInt(c.text(2), 10) > 0;
  const done = c.server.peers.ask("active-expire", isOn);
  c.defer(done.then(() => (out: ReplyWriter) => out.ok()));
}

function packedThreshold(c: Context): void {
  const size = parseMemorySize(c.text(2));
  if (size === null || size > PACKED_THRESHOLD_MAX) {
    c.out.error("ERR argument must be a memory value bigger than 1 and smaller than 4gb");
  } else {
    c.out.ok();
  }
}

const BIG_NUMBER = "1234567999999999999999999999999999999";
const AFTER_ATTRIBUTE = "Some real reply following the attribute";
const AFTER_PUSH = "Some real reply following the push reply";

/** Each type of reply once, for the tests of clients; Redis' own values. */
const protocolSamples: Readonly<Record<string, (out: ReplyWriter) => void>> = {
  string: (out) => out.bulkText("Hello World"),
  integer: (out) => out.integer(12345),
  double: (out) => out.double(3141 / 1000),
  bignum: writeBigNumber,
  null: (out) => out.null(),
  array: (out) => {
    out.arrayHeader(3);
    writeCounting(out);
  },
  set: (out) => {
    out.setHeader(3);
    writeCounting(out);
  },
  map: writeMap,
  attrib: writeAttribute,
  push: writePush,
  verbatim: (out) => out.verbatim("This is a verbatim\nstring"),
  true: (out) => out.boolean(true),
  false: (out) => out.boolean(false),
};

function protocol(c: Context): void {
  const name = c.text(2).toLowerCase();
  const write = Object.hasOwn(protocolSamples, name) ? protocolSamples[name] : undefined;
  if (write !== undefined) {
    write(c.out);
    return;
  }
  const known = Object.keys(protocolSamples).join("|");
  c.out.error(`ERR Wrong protocol type name. Please use one of the following: ${known}`);
}

function writeBigNumber(out: ReplyWriter): void {
  if (out.resp3) out.raw(Buffer.from(`(${BIG_NUMBER}\r\n`));
  else out.bulkText(BIG_NUMBER);
}

function writeAttribute(out: ReplyWriter): void {
  if (out.resp3) {
    out.raw(Buffer.from("|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n"));
  }
  out.bulkText(AFTER_ATTRIBUTE);
}

function writeCounting(out: ReplyWriter): void {
  for (let i = 0; i < 3; i++) out.integer(i);
}

function writeMap(out: ReplyWriter): void {
  out.mapHeader(3);
  for (let i = 0; i < 3; i++) {
    out.integer(i);
    out.boolean(i === 1);
  }
}

function writePush(out: ReplyWriter): void {
  if (!out.resp3) {
    out.error("ERR RESP2 is not supported by this command");
    return;
  }
  out.pushHeader(2);
  out.bulkText("server-cpu-usage");
  out.integer(42);
  out.bulkText(AFTER_PUSH);
}

export const debugCommands: readonly CommandSpec[] = [
  {
    name: "debug",
    arity: -2,
    flags: ["admin", "noscript", "loading", "stale"],
    group: "server",
    since: "1.0.0",
    summary: "Reaches into the server, for tests.",
    complexity: "Depends on subcommand.",
    run: debug,
  },
];
