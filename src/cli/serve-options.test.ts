/** The options of `kv serve`: defaults, bounds, precedence, and the message for each mistake. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { UsageError } from "../base/errors.ts";
import { type ServeOptions, serveOptionsFrom } from "./serve-options.ts";

const DEFAULTS: ServeOptions = {
  host: "127.0.0.1",
  port: 7878,
  unixsocket: "",
  threads: availableParallelism(),
  databases: 16,
  maxmemoryBytes: 0,
  maxmemoryPolicy: "noeviction",
  password: "",
  maxclients: 10_000,
  persist: "everysec",
  dir: resolve("./kv-data"),
  configFile: "",
  parameters: [],
};

test("serveOptionsFrom() fills in the defaults", () => {
  expect(serveOptionsFrom({})).toEqual(DEFAULTS);
});

test("serveOptionsFrom() takes every option", () => {
  const options = serveOptionsFrom({
    host: "::1",
    port: "0",
    unixsocket: "/tmp/kv.sock",
    threads: "3",
    databases: "1",
    maxmemory: "1.5gb",
    "maxmemory-policy": "ALLKEYS-LRU",
    requirepass: "gé",
    maxclients: "1",
    persist: "off",
    dir: "/data/kv",
  });
  expect(options).toEqual({
    ...DEFAULTS,
    host: "::1",
    port: 0,
    unixsocket: "/tmp/kv.sock",
    threads: 3,
    databases: 1,
    persist: "off",
    dir: "/data/kv",
    maxmemoryBytes: 1_610_612_736,
    maxmemoryPolicy: "allkeys-lru",
    password: "g\xc3\xa9",
    maxclients: 1,
  });
});

test("serveOptionsFrom() splits --addr, brackets included", () => {
  const address = (addr: string) => {
    const { host, port } = serveOptionsFrom({ addr });
    return [host, port];
  };
  expect(address("0.0.0.0:6379")).toEqual(["0.0.0.0", 6379]);
  expect(address("[::1]:0")).toEqual(["::1", 0]);
  expect(() => serveOptionsFrom({ addr: "h:1", port: "2" })).toThrow(
    new UsageError("--addr: cannot be combined with --port (h:1), use one"),
  );
});

test("serveOptionsFrom() names the flag, the value and the bound of every mistake", () => {
  const mistakes: [Record<string, string>, string][] = [
    [{ port: "abc" }, "--port: not a whole number (abc), use 0 to 65535"],
    [{ port: "-1" }, "--port: not a whole number (-1), use 0 to 65535"],
    [{ port: "65536" }, "--port: value is too large (65536), at most 65535 is allowed"],
    [{ threads: "0" }, "--threads: value is too small (0), at least 1 is needed"],
    [{ threads: "129" }, "--threads: value is too large (129), at most 128 is allowed"],
    [{ databases: "257" }, "--databases: value is too large (257), at most 256 is allowed"],
    [{ maxclients: "0" }, "--maxclients: value is too small (0), at least 1 is needed"],
    [{ maxmemory: "1x" }, "--maxmemory: not a size (1x), use bytes or a unit: 100mb, 2gb"],
    [
      { maxmemory: "1k" },
      "--maxmemory: value is too small (1k), at least 1mb is needed, or 0 for none",
    ],
    [{ addr: "1:2:3" }, "--addr: not an address (1:2:3), use HOST:PORT or [IPV6]:PORT"],
    [{ addr: ":1" }, '--addr: empty host (""), use an address such as 127.0.0.1'],
    [{ addr: "h:" }, "--addr: not a whole number (), use 0 to 65535"],
    [{ host: "a b" }, "--host: not a host (a b), use an address such as 127.0.0.1 or a name"],
    [{ unixsocket: "" }, '--unixsocket: empty path (""), leave it out for no Unix socket'],
    [
      { unixsocket: "x".repeat(104) },
      "--unixsocket: path is too long (104 bytes), at most 103 bytes are allowed",
    ],
    [{ persist: "yes" }, "--persist: unknown mode (yes), use one of off, everysec, always"],
    [{ dir: "" }, '--dir: empty path (""), leave it out for ./kv-data'],
    [
      { "maxmemory-policy": "lru" },
      "--maxmemory-policy: unknown policy (lru), use one of noeviction, allkeys-lru, " +
        "allkeys-random, volatile-ttl",
    ],
    [
      { "password-file": "f", requirepass: "p" },
      "--password-file: cannot be combined with --requirepass (f), use one",
    ],
  ];
  for (const [typed, message] of mistakes) {
    expect(() => serveOptionsFrom(typed)).toThrow(new UsageError(message));
  }
});

test("serveOptionsFrom() puts the command line above the file, and hands the rest on", () => {
  withConfig("bind 0.0.0.0\nport 1\nmaxmemory 2mb\nhz 20\nsave 3600 1\n", (config) => {
    const options = serveOptionsFrom({ config, port: "2" });
    expect(options).toEqual({
      ...DEFAULTS,
      host: "0.0.0.0",
      port: 2,
      maxmemoryBytes: 2 * 1024 * 1024,
      configFile: config,
      parameters: [
        { name: "hz", values: ["20"], place: `${config}, line 4` },
        { name: "save", values: ["3600", "1"], place: `${config}, line 5` },
      ],
    });
    const { host, port } = serveOptionsFrom({ config, addr: "[::1]:3" });
    expect([host, port]).toEqual(["::1", 3]);
  });
});

test("serveOptionsFrom() names the line of the file that is wrong", () => {
  withConfig("port 1\nport 99999\n", (config) => {
    expect(() => serveOptionsFrom({ config })).toThrow(
      new UsageError(
        `${config}, line 2: port: value is too large (99999), at most 65535 is allowed`,
      ),
    );
  });
  withConfig("bind 127.0.0.1 ::1\n", (config) => {
    expect(() => serveOptionsFrom({ config })).toThrow(
      new UsageError(`${config}, line 1: bind: takes one value (2 given)`),
    );
  });
});

/** Writes a configuration file, runs `use` with its path, and removes it. */
function withConfig(text: string, use: (path: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "kv-"));
  const path = join(folder, "kv.conf");
  writeFileSync(path, text);
  try {
    use(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
