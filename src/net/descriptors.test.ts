/** Tests of the limit on clients that comes from the limit on descriptors. */
import { expect, test } from "bun:test";
import { DESCRIPTORS_RESERVED } from "../base/limits.ts";
import { clientsMaxFor, descriptorsMax, parseOpenFiles } from "./descriptors.ts";

const TEXT = `Limit                     Soft Limit           Hard Limit           Units
Max cpu time              unlimited            unlimited            seconds
Max open files            1024                 524288               files
Max locked memory         65536                65536                bytes
`;

test("parseOpenFiles() takes the soft limit", () => {
  expect(parseOpenFiles(TEXT)).toBe(1024);
  expect(parseOpenFiles(TEXT.replace("1024  ", "unlimited"))).toBe(Number.POSITIVE_INFINITY);
  expect(parseOpenFiles("")).toBe(Number.POSITIVE_INFINITY);
});

test("descriptorsMax() is a positive number here", () => {
  expect(descriptorsMax()).toBeGreaterThan(0);
});

test("clientsMaxFor() keeps descriptors back, and always lets one client in", () => {
  expect(clientsMaxFor(1024)).toBe(1024 - DESCRIPTORS_RESERVED);
  expect(clientsMaxFor(10)).toBe(1);
  expect(clientsMaxFor(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
});
