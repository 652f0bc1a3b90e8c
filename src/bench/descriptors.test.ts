/** The check of descriptors: both sides of the bound, and systems that do not tell. */
import { expect, test } from "bun:test";
import { checkDescriptors } from "./descriptors.ts";

function limitsOf(soft: string): string {
  return `Limit  Soft Limit  Hard Limit  Units\nMax open files            ${soft}   4096   files\n`;
}

test("checkDescriptors() needs 64 more than there are connections", () => {
  expect(() => checkDescriptors(960, limitsOf("1024"))).not.toThrow();
  expect(() => checkDescriptors(961, limitsOf("1024"))).toThrow(
    "Cannot open 961 connections: this process may open 1024 files",
  );
});

test("checkDescriptors() lets everything pass where there is no limit, or none is told", () => {
  expect(() => checkDescriptors(1e9, limitsOf("unlimited"))).not.toThrow();
  expect(() => checkDescriptors(1e9, "")).not.toThrow();
});
