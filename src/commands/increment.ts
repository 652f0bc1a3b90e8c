/**
 * Counters: INCR, DECR, INCRBY, DECRBY and INCRBYFLOAT.
 *
 * A counter is a string of digits. The sum is written once, as the reply, and the store takes the
 * digits from there. Number arithmetic serves up to ±(2^53 - 1), where nearly all counters live;
 * BigInt takes over beyond, up to 64 bits. INCRBYFLOAT adds in the extended precision that Redis
 * has (base/extended-float.ts).
 */
import { ByteBuffer } from "../base/byte-buffer.ts";
import { addExtended, formatExtended, INFINITE, parseExtended } from "../base/extended-float.ts";
import { INT64_MAX, INT64_MIN, parseInt64, parseSafeInteger } from "../base/number.ts";
import { errorTexts } from "../resp/errors.ts";
import { type Cursor, TYPE_NONE, TYPE_STRING } from "../store/cursor.ts";
import { KEEP_EXPIRY, STATUS_OK, type Status } from "../store/status.ts";
import { arg } from "./arguments.ts";
import type { CommandSpec } from "./command.ts";
import type { Context } from "./context.ts";
import { failWith } from "./outcomes.ts";

/** The type byte before the digits of an integer reply, and the line end behind. */
const BEFORE_DIGITS = 1;
const AROUND_DIGITS = 3;

/** The value that INCRBYFLOAT reads, copied out of shared memory. */
const floatText = new ByteBuffer(64);
/** Longer values are no floats to Redis either. */
const FLOAT_LENGTH_MAX = 5 * 1024;

/** INCR key. Hot. */
function incr(c: Context): void {
  changeBy(c, 1);
}

/** DECR key. Hot. */
function decr(c: Context): void {
  changeBy(c, -1);
}

/** INCRBY key increment. Hot. */
function incrby(c: Context): void {
  if (!c.integer(2)) return;
  if (Number.isSafeInteger(c.value)) changeBy(c, c.value);
  else changeByBig(c, c.int64(2) as bigint);
}

/** DECRBY key decrement. The smallest integer has no opposite. Hot. */
function decrby(c: Context): void {
  if (!c.integer(2)) return;
  if (Number.isSafeInteger(c.value)) {
    changeBy(c, -c.value);
    return;
  }
  const decrement = c.int64(2) as bigint;
  if (decrement === INT64_MIN) c.out.error(errorTexts.decrementOverflow);
  else changeByBig(c, -decrement);
}

/**
 * Adds `delta`, a safe integer, to the counter and replies with the sum. Hot: no BigInt unless the
 * sum needs it.
 */
function changeBy(c: Context, delta: number): void {
  const store = c.store;
  const mark = c.out.length;
  const cursor = c.aim(store.cursor(0), 1);
  const isFound = store.lock(cursor);
  const value = isFound ? counterValue(cursor) : 0;
  const sum = value + delta;
  let status: Status;
  // Also false for NaN: a value that is no integer, or one beyond 2^53.
  if (sum >= Number.MIN_SAFE_INTEGER && sum <= Number.MAX_SAFE_INTEGER) {
    c.out.integer(sum);
    status = putReply(c, cursor, mark);
  } else status = addBig(c, cursor, BigInt(delta), mark);
  store.unlock(cursor);
  if (status !== STATUS_OK) failWith(c, status, mark);
}

/** The counter under the locked cursor, NaN when it is none or too large for a number. Hot. */
function counterValue(cursor: Cursor): number {
  if (cursor.type !== TYPE_STRING || cursor.isLarge) return NaN;
  return parseSafeInteger(cursor.valueBytes, cursor.valueStart, cursor.valueLength);
}

/** Makes the digits of the integer reply at `mark` the counter's value; its expiry stays. Hot. */
function putReply(c: Context, cursor: Cursor, mark: number): Status {
  const out = c.out;
  const digits = out.length - mark - AROUND_DIGITS;
  return c.store.putString(cursor, out.bytes, mark + BEFORE_DIGITS, digits, KEEP_EXPIRY);
}

function changeByBig(c: Context, delta: bigint): void {
  const mark = c.out.length;
  const cursor = c.aim(c.store.cursor(0), 1);
  c.store.lock(cursor);
  const status = addBig(c, cursor, delta, mark);
  c.store.unlock(cursor);
  if (status !== STATUS_OK) failWith(c, status, mark);
}

/** The long way: everything that does not fit a number, and every error. */
function addBig(c: Context, cursor: Cursor, delta: bigint, mark: number): Status {
  const value = bigValue(c, cursor);
  if (value === null) return STATUS_OK;
  const sum = value + delta;
  if (sum < INT64_MIN || sum > INT64_MAX) {
    c.out.error(errorTexts.incrementOverflow);
    return STATUS_OK;
  }
  c.out.bigInteger(sum);
  return putReply(c, cursor, mark);
}

/**
 * The counter under the locked cursor, 0 when it is missing; null, with the error written, when it
 * is no integer.
 */
function bigValue(c: Context, cursor: Cursor): bigint | null {
  if (cursor.type === TYPE_NONE) return 0n;
  if (cursor.type !== TYPE_STRING) {
    c.out.error(errorTexts.wrongType);
    return null;
  }
  const value = cursor.isLarge
    ? null
    : parseInt64(cursor.valueBytes, cursor.valueStart, cursor.valueLength);
  if (value === null) c.out.error(errorTexts.notInteger);
  return value;
}

/** INCRBYFLOAT key increment */
function incrbyfloat(c: Context): void {
  const mark = c.out.length;
  const cursor = c.aim(c.store.cursor(0), 1);
  const isFound = c.store.lock(cursor);
  let status: Status = STATUS_OK;
  if (isFound && cursor.type !== TYPE_STRING) c.out.error(errorTexts.wrongType);
  else status = addFloat(c, cursor, isFound ? valueText(c, cursor) : "0");
  c.store.unlock(cursor);
  if (status !== STATUS_OK) failWith(c, status, mark);
}

function addFloat(c: Context, cursor: Cursor, text: string): Status {
  const value = parseExtended(text);
  const increment = parseExtended(c.text(2));
  if (value === null || increment === null) {
    c.out.error(errorTexts.notFloat);
    return STATUS_OK;
  }
  const areFinite = value !== INFINITE && increment !== INFINITE;
  const sum = areFinite ? addExtended(value, increment) : INFINITE;
  if (sum === INFINITE) {
    c.out.error(errorTexts.incrementNotFinite);
    return STATUS_OK;
  }
  const bytes = Buffer.from(formatExtended(sum), "latin1");
  c.out.bulk(bytes, 0, bytes.length);
  return c.store.putString(cursor, bytes, 0, bytes.length, KEEP_EXPIRY);
}

/** The string under the locked cursor as latin1 text, or "" when it is too long for a number. */
function valueText(c: Context, cursor: Cursor): string {
  if (cursor.valueLength > FLOAT_LENGTH_MAX) return "";
  floatText.length = 0;
  c.store.copyValue(cursor, floatText, 0, cursor.valueLength);
  return floatText.bytes.toString("latin1", 0, floatText.length);
}

const KEY = arg("key", "key");

function counterCommand(
  name: string,
  since: string,
  summary: string,
  amount: { name: string; type: "integer" | "double" } | null,
  run: (c: Context) => void,
): CommandSpec {
  return {
    name,
    arity: amount === null ? 2 : 3,
    flags: ["write", "denyoom", "fast"],
    keys: { first: 1, last: 1, step: 1 },
    keyFlags: ["RW", "access", "update"],
    group: "string",
    since,
    summary,
    complexity: "O(1)",
    arguments: amount === null ? [KEY] : [KEY, arg(amount.name, amount.type)],
    run,
  };
}

const INCREMENT = { name: "increment", type: "integer" } as const;
const DECREMENT = { name: "decrement", type: "integer" } as const;
const FLOAT_INCREMENT = { name: "increment", type: "double" } as const;

export const counterCommands: readonly CommandSpec[] = [
  counterCommand("incr", "1.0.0", "Adds one to a counter; a missing key counts as 0.", null, incr),
  counterCommand("decr", "1.0.0", "Takes one from a counter; a missing key is 0.", null, decr),
  counterCommand("incrby", "1.0.0", "Adds an integer to a counter.", INCREMENT, incrby),
  counterCommand("decrby", "1.0.0", "Takes an integer from a counter.", DECREMENT, decrby),
  counterCommand(
    "incrbyfloat",
    "2.6.0",
    "Adds a floating point number to the one that a key holds.",
    FLOAT_INCREMENT,
    incrbyfloat,
  ),
];
