/** The options of `kv ws-server`: defaults, bounds on both sides, the message for each mistake. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { UsageError } from "../base/errors.ts";
import type { ChatSettings } from "../chat/settings.ts";
import { chatSettingsFrom } from "./ws-server-options.ts";

const DEFAULTS: ChatSettings = {
  host: "0.0.0.0",
  port: 3000,
  threads: Math.max(1, availableParallelism() >> 1),
  historyCount: 50,
  payloadSizeMax: 65_536,
  rateMax: 10_000,
  clientsMax: 10_000,
  roomsMax: 10_000,
  backlogSizeMax: 16 * 1024 * 1024,
  origins: [],
  token: "",
  bridge: "",
  dir: "",
};

function complaintOf(typed: Record<string, string>): string {
  try {
    chatSettingsFrom(typed);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return "";
}

test("chatSettingsFrom() fills in the defaults, and takes every option", () => {
  expect(chatSettingsFrom({})).toEqual(DEFAULTS);
  const typed = {
    host: "::1",
    port: "0",
    threads: "3",
    history: "7",
    "max-payload": "1mb",
    "rate-limit": "0",
    "max-clients": "1",
    "max-rooms": "2",
    "max-backlog": "2mb",
    "allow-origin": "https://A.example, http://b.example:8080",
    token: "secret",
    bridge: "nats://127.0.0.1:4222",
    dir: "/var/chat",
  };
  expect(chatSettingsFrom(typed)).toEqual({
    host: "::1",
    port: 0,
    threads: 3,
    historyCount: 7,
    payloadSizeMax: 1024 * 1024,
    rateMax: 0,
    clientsMax: 1,
    roomsMax: 2,
    backlogSizeMax: 2 * 1024 * 1024,
    origins: ["https://a.example", "http://b.example:8080"],
    token: "secret",
    bridge: "nats://127.0.0.1:4222",
    dir: "/var/chat",
  });
  expect(chatSettingsFrom({ "allow-origin": "*" }).origins).toEqual(["*"]);
});

test.each([
  ["port", "65535", "65536", "value is too large (65536), at most 65535 is allowed"],
  ["threads", "128", "129", "value is too large (129), at most 128 is allowed"],
  ["threads", "1", "0", "value is too small (0), at least 1 is needed"],
  ["history", "10000", "10001", "value is too large (10001), at most 10000 is allowed"],
  ["max-payload", "16mb", "17mb", "value is too large (17mb), at most 16.0 MiB is allowed"],
  ["max-payload", "1", "0", "value is too small (0), at least 1 B is needed"],
  ["max-payload", "64kb", "lots", "not a size (lots), use bytes or a unit: 64kb, 1mb"],
  ["rate-limit", "1000000", "1000001", "value is too large (1000001), at most 1000000 is allowed"],
  ["rate-limit", "5", "5/s", "not a whole number (5/s), use 0 to 1000000"],
  ["max-clients", "1", "0", "value is too small (0), at least 1 is needed"],
  ["max-rooms", "1", "0", "value is too small (0), at least 1 is needed"],
  ["max-backlog", "64kb", "63kb", "value is too small (63kb), at least 64.0 KiB is needed"],
  ["max-backlog", "1gb", "2gb", "value is too large (2gb), at most 1.00 GiB is allowed"],
  [
    "allow-origin",
    "https://a.example",
    "a.example",
    "not an origin (a.example), use scheme://host[:port], separated by commas, or *",
  ],
  [
    "allow-origin",
    "http://a.example:8080",
    "http://a.example/path",
    "not an origin (http://a.example/path), use scheme://host[:port], separated by commas, or *",
  ],
  [
    "bridge",
    "redis://h:1",
    "http://h:1",
    "not a URL of a bridge, use redis://host:port or nats://host:port",
  ],
  ["token", "t", "two words", "not a token, use 1 to 512 visible ASCII characters without blanks"],
])("--%s takes %s, not %s", (option, good, wrong, message) => {
  expect(complaintOf({ [option]: good })).toBe("");
  expect(complaintOf({ [option]: wrong })).toBe(`--${option}: ${message}`);
});

test("--max-backlog must fit one message", () => {
  const typed = { "max-payload": "2mb", "max-backlog": "1mb" };
  expect(complaintOf(typed)).toBe(
    "--max-backlog: value is too small (1048576 bytes), " +
      "one message of --max-payload (2097152 bytes) must fit",
  );
});

test("--token-file has the token in its first line; neither is repeated in a message", () => {
  const folder = mkdtempSync(join(tmpdir(), "kv-test-"));
  const path = join(folder, "token");
  writeFileSync(path, "from-file\nrest\n");
  expect(chatSettingsFrom({ "token-file": path }).token).toBe("from-file");
  expect(complaintOf({ "token-file": path, token: "x" })).toBe(
    `--token-file: cannot be combined with --token (${path}), use one`,
  );
  writeFileSync(path, "not good\n");
  const message = complaintOf({ "token-file": path });
  expect(message).toStartWith("--token-file: not a token, use ");
  expect(message).not.toContain("not good");
  rmSync(folder, { recursive: true });
});
