/**
 * The command table against real servers: what COMMAND INFO and COMMAND DOCS say of each command
 * that we have.
 *
 * A fact that is the same on Valkey 8 or on Redis 7 is right. Summaries and complexities are our
 * own words.
 */
import { expect, test } from "bun:test";
import { registry } from "../../src/commands/registry.ts";
import "../../src/commands/table.ts";
import type { Reply } from "../../src/resp/reader.ts";
import { Client, hasPeer, startKv, startPeer } from "../harness.ts";

/** Documented arguments that differ on purpose. */
const ARGUMENTS_DIFFER: Readonly<Record<string, string>> = {
  "client|kill": "Valkey lists both spellings of each client type",
};

/** Everything of COMMAND INFO but key specifications and subcommands. */
type Facts = readonly unknown[];

test("COMMAND INFO of each command says what a real server says", async () => {
  if (!hasPeer("valkey-server") || !hasPeer("redis-server")) return;
  await using ours = await startKv(["--threads", "1"]);
  await using valkey = await startPeer("valkey-server");
  await using redis = await startPeer("redis-server");
  await using ourClient = await Client.connect(ours);
  await using valkeyClient = await Client.connect(valkey);
  await using redisClient = await Client.connect(redis);
  for (const { name } of registry.all) {
    const got = await factsOf(ourClient, name);
    const theirs = [await factsOf(valkeyClient, name), await factsOf(redisClient, name)];
    expect(theirs).toContainEqual(got);
  }
});

test("COMMAND DOCS of each command has the arguments of a real server", async () => {
  if (!hasPeer("valkey-server")) return;
  await using ours = await startKv(["--threads", "1"]);
  await using valkey = await startPeer("valkey-server");
  await using ourClient = await Client.connect(ours);
  await using valkeyClient = await Client.connect(valkey);
  for (const { name } of registry.all) {
    if (name in ARGUMENTS_DIFFER) continue;
    const got = await docsOf(ourClient, name);
    const expected = await docsOf(valkeyClient, name);
    for (const about of ["since", "group"]) {
      expect([name, got.get(about)]).toEqual([name, expected.get(about)]);
    }
    expect([name, shapeOf(got.get("arguments"))]).toEqual([
      name,
      shapeOf(expected.get("arguments")),
    ]);
    expect(String(got.get("summary")).length).toBeGreaterThan(5);
  }
});

async function factsOf(client: Client, name: string): Promise<Facts | null> {
  const [info] = (await client.command("COMMAND", "INFO", name)) as Reply[][];
  if (info === undefined || info === null) return null;
  const [command, arity, flags, first, last, step, categories, tips] = info;
  return [command, arity, sorted(flags), first, last, step, sorted(categories), sorted(tips)];
}

function sorted(words: Reply | undefined): string[] {
  return (words as string[]).map(String).sort();
}

async function docsOf(client: Client, name: string): Promise<Map<string, Reply>> {
  const reply = (await client.command("COMMAND", "DOCS", name)) as Reply[];
  return pairsOf(reply[1]);
}

/** RESP2 gives maps as flat arrays. */
function pairsOf(reply: Reply | undefined): Map<string, Reply> {
  const flat = (reply ?? []) as Reply[];
  const pairs = new Map<string, Reply>();
  for (let i = 0; i + 1 < flat.length; i += 2) pairs.set(String(flat[i]), flat[i + 1] as Reply);
  return pairs;
}

/** Names, types, tokens and flags of arguments, without versions and texts. */
function shapeOf(args: Reply | undefined): unknown[] {
  return ((args ?? []) as Reply[]).map((one) => {
    const pairs = pairsOf(one);
    return {
      name: pairs.get("name"),
      type: pairs.get("type"),
      token: pairs.get("token"),
      flags: pairs.get("flags"),
      arguments: shapeOf(pairs.get("arguments")),
    };
  });
}
