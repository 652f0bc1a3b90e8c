/** What each command that writes does when the log has no room: an error, and nothing else. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { attachAny, type DurableStore } from "../store/durable-store.ts";
import { LOG_SLOT_HELD, LOG_SLOTS_MAX } from "../store/log-layout.ts";
import { recover } from "../store/recovery.ts";
import { DispatchDriver } from "./dispatch.bench.ts";
import { registry } from "./registry.ts";

const folder = mkdtempSync(join(tmpdir(), "kv-log-full-"));
const { handle, release } = recover({
  dir: join(folder, "data"),
  mode: "everysec",
  reserveBytes: 128 * 1024 * 1024,
  workers: 2,
});
const store = attachAny(handle, 0) as DurableStore;
const driver = new DispatchDriver(0, store);

afterAll(() => {
  release();
  rmSync(folder, { recursive: true });
});

/** Bytes of keys and values that the log has room for, as `reserve` promises it. */
let room = Number.POSITIVE_INFINITY;
const { log } = store;
const append = log.append.bind(log);
const reserve = log.reserve.bind(log);
log.reserve = (size) => size <= room;
log.append = (cursor, op, flags, number, value, start, length) => {
  room -= cursor.keyLength + length;
  append(cursor, op, flags, number, value, start, length);
};

const VALUE = "v".repeat(60);
const PAIR_KEYS = Array.from({ length: 6 }, (_, i) => `k${i}`);
const PAIRS = PAIR_KEYS.map((key) => `${key} ${VALUE}`).join(" ");
const ITEMS = Array.from({ length: 6 }, () => VALUE).join(" ");
/** Those of them that can write on these keys do. */
const COMMANDS = [
  ...[`SET s ${VALUE}`, `SET s ${VALUE} PX 100000`, `SETNX new ${VALUE}`, `SETEX s 100 ${VALUE}`],
  ...[`PSETEX s 100000 ${VALUE}`, `GETSET s ${VALUE}`, "GETEX s EX 100", "GETEX e PERSIST"],
  ...[
    `MSET ${PAIRS}`,
    `MSETNX ${PAIRS.replaceAll("k", "new")}`,
    `APPEND s ${VALUE}`,
    `SETRANGE s 5 ${VALUE}`,
  ],
  ...[
    `SETRANGE new 5 ${VALUE}`,
    "INCR n",
    "DECR n",
    "INCRBY n 5",
    "DECRBY n 5",
    "INCRBYFLOAT n 0.5",
  ],
  ...["EXPIRE s 100", "PEXPIRE s 100000", "EXPIREAT s 9999999999", "PEXPIREAT s 9999999999999"],
  ...["PERSIST e", "RENAME s t", "RENAMENX s new", "MOVE s 1", "COPY s new", "COPY s t REPLACE"],
  ...["COPY l s REPLACE", `LPUSH l ${ITEMS}`, `RPUSH new ${ITEMS}`, `LPUSHX l ${ITEMS}`],
  ...[
    `RPUSHX l ${ITEMS}`,
    `LSET l 1 ${VALUE}`,
    `LINSERT l BEFORE b ${VALUE}`,
    "LMOVE l m LEFT LEFT",
  ],
  ...["RPOPLPUSH l new", "LMOVE l l LEFT RIGHT"],
];
/** Nothing has to fit for these, but what is left in any case: the rest of a segment. */
const REMOVING = new Set(
  [
    "DEL",
    "UNLINK",
    "GETDEL",
    "LPOP",
    "RPOP",
    "LMPOP",
    "LTRIM",
    "LREM",
    "FLUSHDB",
    "FLUSHALL",
  ].concat(["SWAPDB", "FUNCTION|FLUSH"]),
);

function replies(...lines: string[]): string {
  return driver.replies(`${lines.join("\r\n")}\r\n`);
}

function state(): string {
  const strings = [
    "s",
    "t",
    "n",
    "e",
    "new",
    ...PAIR_KEYS,
    ...PAIR_KEYS.map((key) => key.replace("k", "new")),
  ];
  return replies(
    ...strings.flatMap((key) => [`TYPE ${key}`, `GET ${key}`, `PEXPIRETIME ${key}`]),
    ...["l", "m", "new"].map((key) => `LRANGE ${key} 0 -1`),
    ...["SELECT 1", "KEYS *", "SELECT 0"],
  );
}

function fill(): void {
  room = Number.POSITIVE_INFINITY;
  replies("FLUSHALL", "SET s string", `SET t ${VALUE}`, "SET n 1", "SET e x PXAT 9999999999999");
  replies("SET k2 old", "RPUSH l a b c", "RPUSH m z");
}

test.each(COMMANDS)("%s", (command) => {
  // From nothing to everything: it is refused as a whole, or done as a whole.
  let isRefused = false;
  for (const size of [0, 20, 65, 130, 200, 400, 100_000]) {
    fill();
    const before = state();
    room = size;
    const reply = replies(command);
    room = Number.POSITIVE_INFINITY;
    if (reply.startsWith("-MISCONF")) {
      expect(state()).toBe(before);
      isRefused = true;
    } else expect(reply[0]).not.toBe("-");
  }
  expect(isRefused).toBe(true);
});

test("every command that writes is among them", () => {
  const tried = new Set(COMMANDS.map((command) => command.split(" ")[0]));
  const missing = registry.all
    .filter(({ isWrite, name }) => isWrite && !REMOVING.has(name.toUpperCase()))
    .map(({ name }) => name.toUpperCase())
    .filter((name) => !tried.has(name));
  expect(missing).toEqual([]);
});

test("what was reserved beyond need is given back: it would pin segments of the log", () => {
  room = Number.POSITIVE_INFINITY;
  log.reserve = reserve;
  const { control } = log.state;
  const held = () => {
    const slots = control.subarray(LOG_SLOT_HELD, LOG_SLOT_HELD + LOG_SLOTS_MAX);
    return slots.reduce((sum, count) => sum + count, 0);
  };
  const value = "v".repeat(500_000);
  const words = ["MSET", ...Array.from({ length: 12 }, (_, i) => [`big${i}`, value]).flat()];
  const bulks = words.map((word) => `$${word.length}\r\n${word}\r\n`);
  expect(driver.replies(`*${words.length}\r\n${bulks.join("")}`)).toBe("+OK\r\n");
  // The open chunk, and one.
  expect(held()).toBeLessThanOrEqual(2);
});
