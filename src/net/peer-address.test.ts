/** Tests of addresses as CLIENT LIST shows them, and of which ones are this machine's. */
import { expect, test } from "bun:test";
import { isLoopback, joinPort } from "./peer-address.ts";

test("joinPort() puts IPv6 addresses in brackets", () => {
  expect(joinPort("127.0.0.1", 7878)).toBe("127.0.0.1:7878");
  expect(joinPort("::1", 7878)).toBe("[::1]:7878");
});

test("isLoopback() knows both families and the mapped form", () => {
  for (const address of ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "::FFFF:127.0.0.1"]) {
    expect(isLoopback(address)).toBe(true);
  }
  for (const address of ["10.0.0.1", "128.0.0.1", "::2", "fe80::1", "::ffff:10.0.0.1", ""]) {
    expect(isLoopback(address)).toBe(false);
  }
});
