/** Server URLs: what each part becomes, and what is refused. */
import { expect, test } from "bun:test";
import { parseServerUrl } from "./url.ts";

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

for (const text of ["", "redis://", "rediss://h:1", "unix:///tmp/s", "redis://h:1/x", "h:99999"]) {
  test(`parseServerUrl() refuses ${JSON.stringify(text)}`, () => {
    expect(() => parseServerUrl(text)).toThrow(RangeError);
  });
}
