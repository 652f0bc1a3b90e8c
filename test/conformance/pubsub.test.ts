/**
 * Conformance of pub/sub: what subscribers and publishers see, byte by byte, on a real Valkey, a
 * real Redis and ours with one and with three threads.
 *
 * A transcript here is requests of one connection, sent at once, and everything that comes back, in
 * order: confirmations and messages are no replies, so they cannot be told apart from them by
 * counting. Differences between the two real servers are written down; ours follows Redis 7.2.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Reply } from "../../src/resp/reader.ts";
import { ReplyError, ReplyPush } from "../../src/resp/reader.ts";
import { Client, eventually, hasPeer, type Server, startKv, startPeer } from "../harness.ts";

type Kind = "valkey" | "redis" | "ours";

const servers: readonly (readonly [string, Kind, () => Promise<Server | null>])[] = [
  [
    "valkey-server",
    "valkey",
    async () => (hasPeer("valkey-server") ? startPeer("valkey-server") : null),
  ],
  [
    "redis-server",
    "redis",
    async () => (hasPeer("redis-server") ? startPeer("redis-server") : null),
  ],
  ["kv serve, 1 thread", "ours", () => startKv(["--threads", "1"])],
  ["kv serve, 3 threads", "ours", () => startKv(["--threads", "3"])],
];

const LIMITED =
  "only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context";
const NOT_SUBSCRIBED = "command executed not in subscribed mode";

for (const [name, kind, start] of servers) {
  describe(name, () => {
    let server: Server | null = null;
    let opened: Client[] = [];
    beforeAll(async () => {
      server = await start();
    });
    afterAll(async () => {
      await server?.stop();
    });

    async function connect(resp3 = false): Promise<Client> {
      const client = await Client.connect({ port: server?.port ?? 0 });
      opened.push(client);
      if (resp3) await client.command("HELLO", "3");
      return client;
    }

    /** Runs `body` unless the server is missing, and closes what it opened. */
    function check(what: string, body: () => Promise<void>): void {
      test(what, async () => {
        if (server === null) return;
        try {
          await body();
        } finally {
          for (const client of opened) client.close();
          opened = [];
        }
      });
    }

    check("RESP2: confirmations count, a name that is there counts once", async () => {
      const client = await connect();
      client.send("SUBSCRIBE a a b\r\nPSUBSCRIBE p* p*\r\nSSUBSCRIBE s\r\n");
      expect(await shown(client, 6)).toEqual([
        "[subscribe a 1]",
        "[subscribe a 1]",
        "[subscribe b 2]",
        "[psubscribe p* 3]",
        "[psubscribe p* 3]",
        "[ssubscribe s 1]",
      ]);
      client.send(
        "SUNSUBSCRIBE s s\r\nUNSUBSCRIBE a\r\nUNSUBSCRIBE b x\r\nPUNSUBSCRIBE\r\nPING\r\n",
      );
      expect(await shown(client, 7)).toEqual([
        "[sunsubscribe s 0]",
        "[sunsubscribe s 0]",
        "[unsubscribe a 2]",
        "[unsubscribe b 1]",
        "[unsubscribe x 1]",
        "[punsubscribe p* 0]",
        "PONG",
      ]);
    });

    check("RESP2: what may be run while subscribed", async () => {
      const client = await connect();
      client.send("SSUBSCRIBE s\r\nPING\r\nPING x\r\nPING x y\r\nGET k\r\nCLIENT ID\r\n");
      client.send("PUBLISH a x\r\nNOSUCH\r\nGET\r\nHELLO 3\r\nAUTH x\r\nCLIENT REPLY OFF\r\n");
      expect(await shown(client, 12)).toEqual([
        "[ssubscribe s 1]",
        "[pong ]",
        "[pong x]",
        "-ERR wrong number of arguments for 'ping' command",
        `-ERR Can't execute 'get': ${LIMITED}`,
        `-ERR Can't execute 'client|id': ${LIMITED}`,
        `-ERR Can't execute 'publish': ${LIMITED}`,
        "-ERR unknown command 'NOSUCH', with args beginning with: ",
        "-ERR wrong number of arguments for 'get' command",
        `-ERR Can't execute 'hello': ${LIMITED}`,
        `-ERR Can't execute 'auth': ${LIMITED}`,
        `-ERR Can't execute 'client|reply': ${LIMITED}`,
      ]);
      expect(await client.text("RESET")).toBe("RESET");
      expect(await client.text("GET k")).toBe(null);
      expect(await client.text("PUBSUB SHARDCHANNELS")).toEqual([]);
      client.send("SUBSCRIBE a\r\nQUIT\r\n");
      expect(await shown(client, 2)).toEqual(["[subscribe a 1]", "OK"]);
      await client.closed;
    });

    check("RESP2: messages of channels, patterns and shard channels", async () => {
      const [client, other] = [await connect(), await connect()];
      client.send("SUBSCRIBE a\r\nPSUBSCRIBE a*\r\nSSUBSCRIBE a\r\n");
      await shown(client, 3);
      expect(await other.command("PUBLISH", "a", Buffer.from("\x00\xff\r\n", "latin1"))).toBe(2);
      expect(await shown(client, 2)).toEqual([
        "[message a \x00\xff\r\n]",
        "[pmessage a* a \x00\xff\r\n]",
      ]);
      expect(await other.command("PUBLISH", "ab", "")).toBe(1);
      expect(await other.command("SPUBLISH", "a", "s")).toBe(1);
      expect(await other.command("PUBLISH", "b", "s")).toBe(0);
      expect(await other.command("SPUBLISH", "ab", "s")).toBe(0);
      expect(await shown(client, 2)).toEqual(["[pmessage a* ab ]", "[smessage a s]"]);
    });

    check("RESP3: pushes, and anything may be run", async () => {
      const client = await connect(true);
      client.send("SUBSCRIBE a\r\nGET k\r\nPING\r\nPING x\r\nCLIENT GETNAME\r\n");
      expect(await shown(client, 5)).toEqual([">[subscribe a 1]", "null", "PONG", "x", "null"]);
      const other = await connect();
      expect(await other.text("PUBLISH a hello")).toBe(1);
      expect(await shown(client, 1)).toEqual([">[message a hello]"]);
    });

    check("RESP3: a client that publishes to itself", async () => {
      const client = await connect(true);
      client.send("SUBSCRIBE a\r\nPSUBSCRIBE *\r\nPUBLISH a x\r\nPING\r\nUNSUBSCRIBE\r\n");
      client.send("PUBLISH a y\r\nPUNSUBSCRIBE\r\nPUBLISH a z\r\n");
      const [toBoth, toPattern] = [[">[message a x]", ">[pmessage * a x]"], [">[pmessage * a y]"]];
      // Redis 7.0 still sent the message in front of the reply.
      expect(await shown(client, 11)).toEqual([
        ">[subscribe a 1]",
        ">[psubscribe * 2]",
        ...(kind === "redis" ? [...toBoth, "2"] : ["2", ...toBoth]),
        "PONG",
        ">[unsubscribe a 1]",
        ...(kind === "redis" ? [...toPattern, "1"] : ["1", ...toPattern]),
        ">[punsubscribe * 0]",
        "0",
      ]);
    });

    check(
      "RESP3: CLIENT REPLY silences replies, and neither messages nor confirmations",
      async () => {
        const client = await connect(true);
        client.send("SUBSCRIBE a\r\nCLIENT REPLY OFF\r\nPUBLISH a x\r\nSUBSCRIBE b\r\nPING\r\n");
        client.send(
          "UNSUBSCRIBE b\r\nCLIENT REPLY ON\r\nCLIENT REPLY SKIP\r\nSUBSCRIBE c\r\nPING\r\n",
        );
        client.send("CLIENT REPLY SKIP\r\nPUBLISH a y\r\nECHO end\r\n");
        expect(await shown(client, 9)).toEqual([
          ">[subscribe a 1]",
          ">[message a x]",
          ">[subscribe b 2]",
          ">[unsubscribe b 1]",
          "OK",
          ">[subscribe c 2]",
          "PONG",
          ">[message a y]",
          "end",
        ]);
      },
    );

    check("unsubscribing from nothing", async () => {
      for (const resp3 of [false, true]) {
        const client = await connect(resp3);
        client.send("UNSUBSCRIBE\r\nPUNSUBSCRIBE\r\nSUNSUBSCRIBE\r\nUNSUBSCRIBE x y\r\n");
        const words = ["unsubscribe", "punsubscribe", "sunsubscribe"];
        const mark = resp3 ? ">" : "";
        // Valkey 8 refuses it; ours is as Redis.
        if (kind === "valkey") {
          const refused = (word: string) => `-NOSUB '${word}' ${NOT_SUBSCRIBED}`;
          expect(await shown(client, 4)).toEqual([...words.map(refused), refused("unsubscribe")]);
        } else {
          expect(await shown(client, 5)).toEqual([
            ...words.map((word) => `${mark}[${word} null 0]`),
            `${mark}[unsubscribe x 0]`,
            `${mark}[unsubscribe y 0]`,
          ]);
        }
        client.close();
      }
    });

    check("RESET drops subscriptions and RESP3, behind what was published before", async () => {
      const client = await connect(true);
      client.send(
        "SUBSCRIBE a b\r\nPSUBSCRIBE *\r\nPUBLISH b x\r\nRESET\r\nPUBLISH a y\r\nGET k\r\n",
      );
      const replies = await shown(client, 9);
      expect(replies.slice(-3)).toEqual(["RESET", "0", "null"]);
      expect(client.received.toString("latin1")).toEndWith("+RESET\r\n:0\r\n$-1\r\n");
    });

    check("HELLO changes how the same subscription is sent", async () => {
      const [client, other] = [await connect(true), await connect()];
      await client.text("SUBSCRIBE a");
      await other.text("PUBLISH a 1");
      expect(await shown(client, 1)).toEqual([">[message a 1]"]);
      await client.text("HELLO 2");
      await other.text("PUBLISH a 2");
      expect(await shown(client, 1)).toEqual(["[message a 2]"]);
      expect(await shownOne(client, "GET k")).toBe(`-ERR Can't execute 'get': ${LIMITED}`);
    });

    check("PUBSUB", async () => {
      const [client, other] = [await connect(), await connect()];
      client.send("SUBSCRIBE a b ab\r\nPSUBSCRIBE x* y*\r\nSSUBSCRIBE sa sb\r\n");
      await shown(client, 7);
      const [second] = [await connect()];
      second.send("SUBSCRIBE a\r\nPSUBSCRIBE x*\r\n");
      await shown(second, 2);
      const sorted = async (line: string) => ((await other.text(line)) as string[]).sort();
      expect(await sorted("PUBSUB CHANNELS")).toEqual(["a", "ab", "b"]);
      expect(await sorted("pubsub channels a*")).toEqual(["a", "ab"]);
      expect(await sorted("PUBSUB CHANNELS x")).toEqual([]);
      expect(await sorted("PUBSUB SHARDCHANNELS")).toEqual(["sa", "sb"]);
      expect(await sorted("PUBSUB SHARDCHANNELS *b")).toEqual(["sb"]);
      expect(await other.text("PUBSUB NUMSUB a b none")).toEqual(["a", 2, "b", 1, "none", 0]);
      expect(await other.text("PUBSUB NUMSUB")).toEqual([]);
      expect(await other.text("PUBSUB SHARDNUMSUB sa a")).toEqual(["sa", 1, "a", 0]);
      expect(await other.text("PUBSUB NUMPAT")).toBe(2);
      const help = (await other.text("PUBSUB HELP")) as string[];
      expect(help[0]).toBe("PUBSUB <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
      expect(help.length).toBe(14);
      const tooMany = "-ERR unknown subcommand or wrong number of arguments for 'CHANNELS'.";
      expect(await shownOne(other, "PUBSUB CHANNELS x y")).toBe(`${tooMany} Try PUBSUB HELP.`);
      expect(await shownOne(other, "PUBSUB NUMPAT x")).toBe(
        "-ERR wrong number of arguments for 'pubsub|numpat' command",
      );
      expect(await shownOne(other, "PUBSUB FOO")).toBe(
        "-ERR unknown subcommand 'FOO'. Try PUBSUB HELP.",
      );
      for (const [line, command] of [
        ["PUBSUB", "pubsub"],
        ["SUBSCRIBE", "subscribe"],
        ["PSUBSCRIBE", "psubscribe"],
        ["SSUBSCRIBE", "ssubscribe"],
        ["PUBLISH a", "publish"],
        ["SPUBLISH a b c", "spublish"],
      ] as const) {
        const text = `-ERR wrong number of arguments for '${command}' command`;
        expect(await shownOne(other, line)).toBe(text);
      }
    });

    check("CLIENT LIST and INFO show subscribers", async () => {
      const [client, other] = [await connect(true), await connect()];
      const id = String(await client.text("CLIENT ID"));
      client.send("SUBSCRIBE a b\r\nPSUBSCRIBE p\r\nSSUBSCRIBE s\r\n");
      await shown(client, 4);
      const line = String(await other.text(`CLIENT LIST ID ${id}`));
      expect(line).toContain(" flags=P ");
      expect(line).toContain(" sub=2 psub=1 ssub=1 ");
      expect(String(await other.text("CLIENT LIST TYPE pubsub"))).toContain(`id=${id} `);
      expect(String(await other.text("CLIENT LIST TYPE normal"))).not.toContain(`id=${id} `);
      const info = String(await other.text("INFO everything"));
      expect(info).toContain(
        "\r\npubsub_channels:2\r\npubsub_patterns:1\r\npubsubshard_channels:1",
      );
      if (kind !== "redis") expect(info).toContain("\r\npubsub_clients:1\r\n");
      expect(await other.text("CLIENT KILL TYPE pubsub")).toBe(1);
      await client.closed;
      expect(await other.text("PUBLISH a x")).toBe(0);
      expect(await other.text("PUBSUB CHANNELS")).toEqual([]);
    });

    check("a subscriber that goes is no receiver any more", async () => {
      const [client, other] = [await connect(), await connect()];
      await client.text("SUBSCRIBE a");
      expect(await other.text("PUBLISH a x")).toBe(1);
      client.close();
      await eventually(async () => (await other.text("PUBLISH a x")) === 0, "it has gone");
      expect(await other.text("PUBSUB NUMSUB a")).toEqual(["a", 0]);
    });

    check("a message of a megabyte, and one of 20, in their order", async () => {
      const clients = await Promise.all(Array.from({ length: 5 }, () => connect()));
      for (const client of clients) await client.text("SUBSCRIBE a");
      const other = await connect();
      const sizes = [10, 1 << 20, 5, 20 << 20, 0];
      for (const size of sizes) {
        expect(await other.command("PUBLISH", "a", Buffer.alloc(size, "x"))).toBe(5);
      }
      for (const client of clients) {
        const got = (await client.nextMany(sizes.length)) as string[][];
        expect(got.map((message) => message[2]?.length)).toEqual(sizes);
      }
    });

    check("COMMAND GETKEYS finds no keys in shard channels", async () => {
      const client = await connect();
      const none = "-ERR The command has no key arguments";
      expect(await shownOne(client, "COMMAND GETKEYS SPUBLISH a b")).toBe(none);
      expect(await shownOne(client, "COMMAND GETKEYS SSUBSCRIBE a b")).toBe(none);
      const text = (await client.text("COMMAND INFO spublish")) as Reply[][];
      expect(JSON.stringify(text[0]?.[8])).toContain('"not_key"');
    });
  });
}

/** The next `count` replies, messages and confirmations, each as a short text. */
async function shown(client: Client, count: number): Promise<string[]> {
  return (await client.nextMany(count)).map(show);
}

async function shownOne(client: Client, line: string): Promise<string> {
  return show(await client.text(line));
}

function show(reply: Reply): string {
  if (reply instanceof ReplyError) return `-${reply.text}`;
  if (reply instanceof ReplyPush) return `>${show(reply.items)}`;
  if (Array.isArray(reply)) return `[${reply.map(show).join(" ")}]`;
  return String(reply);
}
