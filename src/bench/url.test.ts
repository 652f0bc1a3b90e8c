/** Server URLs: what each part becomes, and what is refused. */
import { expect, test } from "bun:test";
import { loginOf, parseServerUrl } from "./url.ts";

test("parseServerUrl() takes URLs and plain addresses", () => {
  expect(parseServerUrl("redis://127.0.0.1:7000")).toEqual({
    host: "127.0.0.1",
    port: 7000,
    setup: [],
  });
  expect(parseServerUrl("localhost:7000").port).toBe(7000);
  expect(parseServerUrl("valkey://example").port).toBe(6379);
  expect(parseServerUrl("redis://[::1]:7000/").host).toBe("::1");
});

test("parseServerUrl() turns credentials and the database into requests", () => {
  expect(parseServerUrl("redis://:p%40ss@h:1/3").setup).toEqual([
    ["AUTH", "p@ss"],
    ["SELECT", "3"],
  ]);
  expect(parseServerUrl("redis://me:secret@h:1/0").setup).toEqual([["AUTH", "me", "secret"]]);
});

test("loginOf() gives back who logs in to which database", () => {
  const of = (url: string) => loginOf(parseServerUrl(url));
  expect(of("redis://me:p%40ss@h:1/4")).toEqual({ user: "me", password: "p@ss", database: 4 });
  expect(of("redis://:secret@h:1")).toEqual({ user: "", password: "secret", database: 0 });
  expect(of("h:1")).toEqual({ user: "", password: "", database: 0 });
});

for (const text of [
  "",
  "redis://",
  "rediss://h:1",
  "unix:///tmp/s",
  "redis://h:1/x",
  "h:99999",
  "redis://me@h:1",
  "h:1/0?db=1",
]) {
  test(`parseServerUrl() refuses ${JSON.stringify(text)}`, () => {
    expect(() => parseServerUrl(text)).toThrow(RangeError);
  });
}
