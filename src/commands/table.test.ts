/** The command table: every spec is consistent, and names are found by their bytes in any case. */
import { expect, test } from "bun:test";
import type { CommandArgument, CommandSpec } from "./command.ts";
import { hasKeys, keyFlags, keyPositions } from "./command-keys.ts";
import { lastWord, registry } from "./registry.ts";
import "./table.ts";

const specs = registry.all.map((command) => command.spec);

function specOf(name: string): CommandSpec {
  const command = registry.byName(name);
  if (command === null) throw new Error(`no command "${name}"`);
  return command.spec;
}

function positions(name: string, ...request: string[]): number[] | null {
  const numberAt = (i: number) => {
    const text = request[i] ?? "";
    return /^-?\d+$/.test(text) ? Number(text) : null;
  };
  return keyPositions(specOf(name), request.length, numberAt);
}

test("every command is found by its name in lower, upper and mixed case", () => {
  for (const command of registry.all) {
    const { name } = command;
    const mixed = [...name].map((char, i) => (i % 2 === 0 ? char.toUpperCase() : char)).join("");
    for (const text of [name, name.toUpperCase(), mixed]) {
      expect(registry.byName(text)).toBe(command);
    }
    expect(registry.all[command.index]).toBe(command);
  }
});

test("CommandLookup.find() refuses what only resembles a name", () => {
  for (const name of ["", "ge", "gett", "get ", "\x07et", "g\x05t", "client|", "client|nosuch"]) {
    expect(registry.byName(name)).toBeNull();
  }
  // Folding makes "\r" and "-" the same to the hash, which must not make them the same name.
  expect(registry.byName("client|no\revict")).toBeNull();
  expect(registry.byName("client|no-evict")).not.toBeNull();
});

test("every spec is complete and agrees with itself", () => {
  for (const spec of specs) {
    expect(spec.name).toMatch(/^[a-z_]+(-[a-z]+)*(\|[a-z-]+)?$/);
    expect(spec.summary).toMatch(/^[A-Z].*\.$/);
    expect(spec.complexity).toMatch(/^(O\(|Depends on)/);
    expect(spec.since).toMatch(/^\d+\.\d+\.\d+$/);
    expect(Math.abs(spec.arity)).toBeGreaterThanOrEqual(spec.name.includes("|") ? 2 : 1);
    expect(spec.flags.includes("write") && spec.flags.includes("readonly")).toBe(false);
    for (const sub of spec.subcommands ?? []) {
      expect(sub.name).toBe(`${spec.name}|${lastWord(sub.name)}`);
    }
  }
});

test("a command with keys documents a key, and only such a command does", () => {
  const isKey = (one: CommandArgument): boolean =>
    one.type === "key" || (one.arguments ?? []).some(isKey);
  for (const spec of specs) {
    expect([spec.name, (spec.arguments ?? []).some(isKey)]).toEqual([spec.name, hasKeys(spec)]);
    if (hasKeys(spec)) expect(keyFlags(spec, 0)[0]).toMatch(/^(RO|RW|OW|RM)$/);
  }
});

test("keyPositions() of ranges, steps, ends and counts", () => {
  expect(positions("get", "get", "a")).toEqual([1]);
  expect(positions("mget", "mget", "a", "b", "c")).toEqual([1, 2, 3]);
  expect(positions("mset", "mset", "a", "1", "b", "2")).toEqual([1, 3]);
  expect(positions("rename", "rename", "a", "b")).toEqual([1, 2]);
  expect(positions("object|encoding", "object", "encoding", "a")).toEqual([2]);
  expect(positions("lmpop", "lmpop", "2", "a", "b", "left")).toEqual([2, 3]);
  expect(positions("ping", "ping")).toEqual([]);
});

test("keyPositions() refuses counts that the request does not keep", () => {
  for (const count of ["0", "-1", "x", "4", "9007199254740991"]) {
    expect(positions("lmpop", "lmpop", count, "a", "b", "left")).toBeNull();
  }
  expect(positions("get", "get")).toBeNull();
});
