/** Parameters of CONFIG: units, bounds, what is refused and why, and the way to a Worker. */
import { expect, test } from "bun:test";
import { Settings } from "../base/settings.ts";
import { parseMemorySize } from "./config-kinds.ts";
import { findParameter, parameters } from "./config-params.ts";

function set(settings: Settings, name: string, text: string): string | null {
  const parameter = findParameter(name);
  if (parameter === null) return "unknown";
  const reason = parameter.refuse(text);
  if (reason === null) parameter.apply(settings, text);
  return reason;
}

test("parseMemorySize() knows Redis' units", () => {
  const sizes = ["0", "12", "1b", "1k", "1kb", "2m", "2MB", "3g", "3Gb", ""];
  expect(sizes.map(parseMemorySize)).toEqual([
    0,
    12,
    1,
    1000,
    1024,
    2_000_000,
    2 * 1024 ** 2,
    3_000_000_000,
    3 * 1024 ** 3,
    0,
  ]);
});

test("parseMemorySize() refuses what is no size", () => {
  for (const text of ["-1", "1.5mb", "mb", "1 mb", "1tb", "x", "1kbs", " 1", "0x10"]) {
    expect(parseMemorySize(text)).toBeNull();
  }
});

test("every parameter accepts the value that it shows, and shows it again", () => {
  const settings = new Settings();
  for (const parameter of parameters) {
    const shown = parameter.read(settings);
    expect([parameter.name, parameter.refuse(shown)]).toEqual([parameter.name, null]);
    parameter.apply(settings, shown);
    expect([parameter.name, parameter.read(settings)]).toEqual([parameter.name, shown]);
  }
});

test("parameters have distinct names, which are found in any case", () => {
  const names = parameters.flatMap((one) => [one.name, ...(one.alias ? [one.alias] : [])]);
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(findParameter(name.toUpperCase())).not.toBeNull();
  expect(findParameter("nosuch")).toBeNull();
  expect(findParameter("constructor")).toBeNull();
});

test("maxmemory at the edges of 32 and 53 bits", () => {
  const settings = new Settings();
  for (const bytes of [2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53 - 1]) {
    expect(set(settings, "maxmemory", String(bytes))).toBeNull();
    expect(settings.maxmemoryBytes).toBe(bytes);
    expect(findParameter("maxmemory")?.read(settings)).toBe(String(bytes));
  }
  expect(set(settings, "maxmemory", "99999999999999999999")).toStartWith(
    "argument must be between",
  );
});

test("what would promise durability is refused, and says what to do", () => {
  const settings = new Settings();
  expect(set(settings, "appendonly", "yes")).toContain("--persist");
  expect(set(settings, "save", "900 1")).toContain("--persist");
  expect(set(settings, "appendonly", "maybe")).toBe("argument must be 'yes' or 'no'");
  expect(set(settings, "save", "900")).toBe("Invalid save parameters");
});

test("client-output-buffer-limit keeps the classes that are not named", () => {
  const settings = new Settings();
  expect(set(settings, "client-output-buffer-limit", "pubsub 1mb 2kb 3")).toBeNull();
  expect(settings.outputPubsub).toEqual({ hardBytes: 1 << 20, softBytes: 2048, softSeconds: 3 });
  expect(settings.outputNormal).toEqual(new Settings().outputNormal);
});

test("requirepass sets the digest, and an empty one removes it", () => {
  const settings = new Settings();
  set(settings, "requirepass", "p\xe4ss");
  expect(settings.passwordDigest?.length).toBe(32);
  set(settings, "requirepass", "");
  expect(settings.passwordDigest).toBeNull();
});

test("Settings survive the way to a Worker", () => {
  const settings = new Settings();
  set(settings, "requirepass", "secret");
  set(settings, "maxmemory", "1gb");
  set(settings, "appendfsync", "always");
  const copy = Settings.from(structuredClone(settings.toPlain()));
  expect(copy).toEqual(settings);
  expect(findParameter("appendfsync")?.read(copy)).toBe("always");
});
