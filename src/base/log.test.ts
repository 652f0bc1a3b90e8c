/** The log: one line per event, levels, and no forged lines. */
import { expect, test } from "bun:test";
import { Log } from "./log.ts";

test("Log writes the time, the level and the source in one line", () => {
  const lines: string[] = [];
  new Log("worker 1", "info", (line) => lines.push(line)).warn("something odd");
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z warn {2}worker 1: something odd\n$/);
});

test("Log drops what is below its level", () => {
  const lines: string[] = [];
  const log = new Log("main", "warn", (line) => lines.push(line));
  log.debug("a");
  log.info("b");
  log.warn("c");
  log.error("d");
  expect(lines.map((line) => line.at(-2))).toEqual(["c", "d"]);
});

test("Log keeps a message with line breaks in one line", () => {
  const lines: string[] = [];
  new Log("main", "info", (line) => lines.push(line)).info("name\r\n2026 error main: forged");
  expect(lines[0]!.indexOf("\n")).toBe(lines[0]!.length - 1);
});
