/** Context: how a handler reads its arguments. */
import { expect, test } from "bun:test";
import { ReplyWriter } from "../resp/writer.ts";
import { attachStore, createStore } from "../store/store.ts";
import { Context } from "./context.ts";
import type { ServerContext } from "./server-context.ts";
import { Session } from "./session.ts";

const store = attachStore(createStore({ reserveBytes: 256 * 1024 * 1024, workers: 1 }), 0);

/**
 * A context whose running command has these arguments (latin1), behind another command of the
 * batch.
 */
function contextOf(...args: string[]): Context {
  const session = new Session(1, "127.0.0.1:1", "127.0.0.1:2", true, 0);
  // Only settings are read on the way, and only by handlers.
  const server = { settings: {} } as unknown as ServerContext;
  const c = new Context(store, server, new ReplyWriter(64), session);
  const all = ["PING", ...args];
  c.bytes = Buffer.from(all.join("\r\n"), "latin1");
  c.argStart = new Int32Array(all.length);
  c.argLength = new Int32Array(all.length);
  let at = 0;
  for (const [i, text] of all.entries()) {
    c.argStart[i] = at;
    c.argLength[i] = text.length;
    at += text.length + 2;
  }
  c.first = 1;
  c.count = args.length;
  return c;
}

function written(c: Context): string {
  return c.out.bytes.toString("latin1", 0, c.out.length);
}

test("Context.is() ignores ASCII case and nothing else", () => {
  const c = contextOf("SET", "nx", "NX", "Nx", "n", "nxx", "no-evict", "n@", "\x4e\x58 ");
  expect([1, 2, 3].map((i) => c.is(i, "NX"))).toEqual([true, true, true]);
  expect([4, 5, 7, 8].map((i) => c.is(i, "NX"))).toEqual([false, false, false, false]);
  expect(c.is(6, "NO-EVICT")).toBe(true);
  // "`" and "@" are one bit apart, like letters and their capitals, but are no letters.
  expect(contextOf("`").is(0, "@")).toBe(false);
});

test("Context.text() and copyOf() lose no byte", () => {
  const every = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)).join("");
  const c = contextOf("ECHO", every, "");
  expect(c.text(1)).toBe(every);
  expect(c.text(2)).toBe("");
  const copy = c.copyOf(1);
  c.bytes.fill(0);
  expect(copy.toString("latin1")).toBe(every);
});

test("Context.integer() takes what Redis takes", () => {
  const numbers = ["0", "-1", "9007199254740991", "9223372036854775807", "-9223372036854775808"];
  for (const text of numbers) {
    const c = contextOf("X", text);
    expect(c.integer(1)).toBe(true);
    expect(c.value).toBe(Number(text));
    expect(c.int64(1)).toBe(BigInt(text));
    expect(written(c)).toBe("");
  }
});

test("Context.integer() refuses the rest, with Redis' error", () => {
  const others = [
    "",
    "-",
    "+1",
    "01",
    "-0",
    "1.0",
    " 1",
    "1 ",
    "0x1",
    "1e3",
    "9223372036854775808",
  ];
  for (const text of [...others, "-9223372036854775809", "x", "1\0"]) {
    const c = contextOf("X", text);
    expect([text, c.integer(1)]).toEqual([text, false]);
    expect(written(c)).toBe("-ERR value is not an integer or out of range\r\n");
    expect(c.int64(1)).toBeNull();
  }
});

test("Context.aim() points at the key, with the prepared hash for argument 1 only", () => {
  const c = contextOf("RENAME", "one", "two");
  const cursor = c.aim(store.cursor(0), 1);
  const real = store.hash(c.bytes, c.start(1), c.length(1));
  expect([cursor.keyStart, cursor.keyLength, cursor.db, cursor.hash]).toEqual([14, 3, 0, real]);
  c.keyHash = real + 1;
  c.hasKeyHash = true;
  expect(c.aim(store.cursor(0), 1).hash).toBe(real + 1);
  expect(c.aim(store.cursor(0), 2).hash).toBe(store.hash(c.bytes, c.start(2), c.length(2)));
});

test("Context.defer() is for once", () => {
  const c = contextOf("X");
  c.defer(Promise.resolve(() => {}));
  expect(() => c.defer(Promise.resolve(() => {}))).toThrow("a command defers once");
});
