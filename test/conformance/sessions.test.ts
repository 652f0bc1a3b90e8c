/**
 * Conformance of what a connection does to itself and to others: CLIENT KILL, CLIENT REPLY, AUTH,
 * QUIT, SLOWLOG and CLIENT LIST over all threads. The same tests run on a real Valkey and on ours
 * with one and with several threads.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Reply, ReplyError } from "../../src/resp/reader.ts";
import { Client, eventually, hasPeer, type Server, startKv, startPeer } from "../harness.ts";

const servers: readonly (readonly [string, () => Promise<Server | null>])[] = [
  ["valkey-server", async () => (hasPeer("valkey-server") ? startPeer("valkey-server") : null)],
  ["kv serve, 1 thread", () => startKv(["--threads", "1"])],
  ["kv serve, 3 threads", () => startKv(["--threads", "3"])],
];

for (const [name, start] of servers) {
  describe(name, () => {
    let server: Server | null = null;
    const opened: Client[] = [];
    beforeAll(async () => {
      server = await start();
    });
    afterAll(async () => {
      await server?.stop();
    });

    async function connect(): Promise<Client> {
      const client = await Client.connect({ port: server?.port ?? 0 });
      opened.push(client);
      return client;
    }

    /** Runs `body` unless the server is missing, and closes what it opened. */
    function check(what: string, body: () => Promise<void>): void {
      test(what, async () => {
        if (server === null) return;
        try {
          await body();
        } finally {
          for (const client of opened.splice(0)) client.close();
        }
      });
    }

    check(
      "CLIENT LIST shows the connections of all threads, in the order of their ids",
      async () => {
        const clients = await Promise.all(Array.from({ length: 8 }, connect));
        for (const [i, client] of clients.entries())
          await client.command("CLIENT", "SETNAME", `n${i}`);
        const ids = await idsOf(clients);
        const lines = linesOf(await clients[0]?.text("CLIENT LIST"));
        const listed = lines.map((line) => Number(field(line, "id")));
        expect(listed).toEqual([...listed].sort((a, b) => a - b));
        expect(ids.every((id) => listed.includes(id))).toBe(true);
        const some = await clients[1]?.command("CLIENT", "LIST", "ID", `${ids[5]}`, `${ids[2]}`);
        expect(linesOf(some).map((line) => field(line, "name"))).toEqual(["n5", "n2"]);
      },
    );

    check("CLIENT LIST tells what a connection has chosen", async () => {
      const client = await connect();
      await client.text("SELECT 7");
      await client.text("CLIENT SETINFO lib-name tester");
      await client.text("CLIENT SETINFO lib-ver 1.2");
      await client.text("CLIENT NO-EVICT on");
      const line = String(await client.text("CLIENT INFO"));
      expect(field(line, "db")).toBe("7");
      expect(field(line, "lib-name")).toBe("tester");
      expect(field(line, "lib-ver")).toBe("1.2");
      expect(field(line, "flags")).toBe("e");
      expect(field(line, "cmd")).toBe("client|info");
      expect(field(line, "user")).toBe("default");
      expect(field(line, "resp")).toBe("2");
    });

    check("CLIENT KILL ID closes one connection, of any thread", async () => {
      const [killer, ...victims] = await Promise.all(Array.from({ length: 6 }, connect));
      for (const id of await idsOf(victims)) {
        expect(await killer?.command("CLIENT", "KILL", "ID", `${id}`)).toBe(1);
        expect(await killer?.command("CLIENT", "KILL", "ID", `${id}`)).toBe(0);
      }
      for (const victim of victims) await victim.closed;
      expect(await killer?.text("PING")).toBe("PONG");
    });

    check("CLIENT KILL with an address, old and new form", async () => {
      const [killer, first, second] = await Promise.all([connect(), connect(), connect()]);
      const addressOf = async (client: Client) =>
        field(String(await client.text("CLIENT INFO")), "addr");
      expect(await killer.command("CLIENT", "KILL", await addressOf(first))).toBe("OK");
      await first.closed;
      expect(await killer.command("CLIENT", "KILL", "ADDR", await addressOf(second))).toBe(1);
      await second.closed;
    });

    check(
      "CLIENT KILL TYPE normal spares the one that asks, unless it says otherwise",
      async () => {
        const [killer, ...victims] = await Promise.all(Array.from({ length: 5 }, connect));
        await idsOf(victims);
        expect(Number(await killer?.text("CLIENT KILL TYPE normal"))).toBeGreaterThanOrEqual(4);
        for (const victim of victims) await victim.closed;
        expect(await killer?.text("PING")).toBe("PONG");
        expect(await killer?.text("CLIENT KILL TYPE normal SKIPME no")).toBe(1);
        await killer?.closed;
      },
    );

    check("CLIENT KILL of itself replies before it closes", async () => {
      const client = await connect();
      const id = String(await client.text("CLIENT ID"));
      client.send(`CLIENT KILL ID ${id} SKIPME no\r\nPING\r\n`);
      expect(await client.next()).toBe(1);
      await client.closed;
      expect(client.received.toString("latin1").endsWith(":1\r\n")).toBe(true);
    });

    check("CLIENT REPLY OFF, SKIP and ON", async () => {
      const client = await connect();
      client.send(
        "CLIENT REPLY OFF\r\nPING\r\nNOSUCH\r\nCONFIG SET timeout 0\r\nCLIENT REPLY SKIP\r\n",
      );
      client.send("PING\r\nCLIENT REPLY ON\r\nECHO a\r\n");
      expect(await client.nextMany(2)).toEqual(["OK", "a"]);
      client.send("CLIENT REPLY SKIP\r\nPING\r\nECHO b\r\n");
      expect(await client.next()).toBe("b");
      client.send("CLIENT REPLY SKIP\r\nCLIENT REPLY SKIP\r\nPING\r\nECHO c\r\n");
      expect(await client.next()).toBe("c");
      client.send("CLIENT REPLY SKIP\r\nCONFIG SET timeout 0\r\nECHO d\r\n");
      expect(await client.next()).toBe("d");
      client.send("CLIENT REPLY SKIP\r\nCLIENT REPLY ON\r\nECHO e\r\n");
      expect(await client.nextMany(2)).toEqual(["OK", "e"]);
    });

    check("replies that take longer keep their place in a pipeline", async () => {
      const client = await connect();
      client.send(
        "ECHO 1\r\nCONFIG SET timeout 0\r\nECHO 2\r\nCLIENT LIST ID 0\r\nSLOWLOG LEN\r\nECHO 3\r\n",
      );
      const replies = await client.nextMany(6);
      expect([replies[0], replies[1], replies[2], replies[3], replies[5]]).toEqual([
        "1",
        "OK",
        "2",
        "",
        "3",
      ]);
      expect(Number(replies[4])).toBeGreaterThanOrEqual(0);
    });

    check("QUIT replies, closes, and nothing behind it runs", async () => {
      const client = await connect();
      client.send("SET before 1\r\nQUIT\r\nSET behind 1\r\n");
      expect(await client.nextMany(2)).toEqual(["OK", "OK"]);
      await client.closed;
      const other = await connect();
      expect(await other.text("EXISTS before behind")).toBe(1);
      await other.text("DEL before");
    });

    check("requirepass: what runs before AUTH, and what does not", async () => {
      const admin = await connect();
      await admin.text("CONFIG SET requirepass secret");
      const client = await connect();
      const noAuth = "NOAUTH Authentication required.";
      expect(messageOf(await client.text("PING"))).toBe(noAuth);
      expect(messageOf(await client.text("GET k"))).toBe(noAuth);
      expect(messageOf(await client.text("CLIENT ID"))).toBe(noAuth);
      expect(messageOf(await client.text("NOSUCH a"))).toStartWith("ERR unknown command");
      expect(messageOf(await client.text("GET"))).toStartWith("ERR wrong number of arguments");
      expect(messageOf(await client.text("HELLO 3"))).toStartWith("NOAUTH HELLO must be called");
      expect(messageOf(await client.text("HELLO"))).toStartWith("NOAUTH HELLO must be called");
      const wrong = "WRONGPASS invalid username-password pair or user is disabled.";
      expect(messageOf(await client.text("AUTH bad"))).toBe(wrong);
      expect(messageOf(await client.text("AUTH default bad"))).toBe(wrong);
      expect(messageOf(await client.text("AUTH other secret"))).toBe(wrong);
      expect(messageOf(await client.text("HELLO 3 AUTH default bad"))).toBe(wrong);
      expect(messageOf(await client.text("PING"))).toBe(noAuth);
      await client.text("HELLO 2 AUTH default secret SETNAME me");
      expect(await client.text("CLIENT GETNAME")).toBe("me");
      expect(await client.text("RESET")).toBe("RESET");
      expect(messageOf(await client.text("PING"))).toBe(noAuth);
      expect(await client.text("AUTH secret")).toBe("OK");
      expect(await client.text("PING")).toBe("PONG");
      expect(await admin.text("PING")).toBe("PONG");
      const waiting = await connect();
      expect(messageOf(await waiting.text("PING"))).toBe(noAuth);
      expect(await admin.command("CONFIG", "SET", "requirepass", "")).toBe("OK");
      expect(await waiting.text("PING")).toBe("PONG");
    });

    check("SLOWLOG merges the threads, newest first, and RESET empties all", async () => {
      const clients = await Promise.all(Array.from({ length: 6 }, connect));
      const admin = await connect();
      await admin.text("CONFIG SET slowlog-log-slower-than 0");
      await admin.text("SLOWLOG RESET");
      for (const [i, client] of clients.entries()) await client.command("ECHO", `from ${i}`);
      await admin.text("CONFIG SET slowlog-log-slower-than -1");
      const entries = (await admin.text("SLOWLOG GET -1")) as Reply[][];
      const ids = entries.map((entry) => Number(entry[0]));
      expect(ids).toEqual([...ids].sort((a, b) => b - a));
      const echoes = entries
        .map((entry) => entry[3] as string[])
        .filter((args) => args[0] === "ECHO");
      expect(echoes.map((args) => args[1])).toEqual([5, 4, 3, 2, 1, 0].map((i) => `from ${i}`));
      expect(await admin.text("SLOWLOG LEN")).toBe(entries.length);
      expect(((await admin.text("SLOWLOG GET 3")) as Reply[]).length).toBe(3);
      expect(await admin.text("SLOWLOG RESET")).toBe("OK");
      expect(await admin.text("SLOWLOG LEN")).toBe(0);
      await admin.text("CONFIG SET slowlog-log-slower-than 10000");
    });

    check(
      "INFO counts commands, errors, hits and connections, and RESETSTAT starts again",
      async () => {
        const client = await connect();
        await client.text("CONFIG RESETSTAT");
        await client.text("SET counted 1");
        await client.text("GET counted");
        await client.text("GET missing");
        await client.text("INCR counted x");
        await client.text("LPUSH counted x");
        await client.text("DEL counted");
        const stats = fieldsOf(await client.text("INFO everything"));
        expect(stats.get("keyspace_hits")).toBe("1");
        expect(stats.get("keyspace_misses")).toBe("1");
        expect(stats.get("total_error_replies")).toBe("2");
        expect(stats.get("errorstat_ERR")).toBe("count=1");
        expect(stats.get("errorstat_WRONGTYPE")).toBe("count=1");
        expect(stats.get("cmdstat_get")).toStartWith("calls=2,");
        expect(stats.get("cmdstat_incr")).toEndWith("rejected_calls=1,failed_calls=0");
        expect(stats.get("cmdstat_lpush")).toEndWith("rejected_calls=0,failed_calls=1");
        await eventually(async () => {
          const clients = fieldsOf(await client.text("INFO clients"));
          return clients.get("connected_clients") === "1";
        }, "only this connection is left");
      },
    );
  });
}

test("kv serve closes a connection behind its tenth wrong password", async () => {
  await using server = await startKv(["--threads", "1"]);
  await using client = await Client.connect(server);
  for (let i = 0; i < 10; i++) {
    expect(messageOf(await client.command("AUTH", "default2", "x"))).toStartWith("WRONGPASS");
  }
  await client.closed;
});

async function idsOf(clients: readonly Client[]): Promise<number[]> {
  const ids: number[] = [];
  for (const client of clients) ids.push(Number(await client.text("CLIENT ID")));
  return ids;
}

function linesOf(reply: Reply | undefined): string[] {
  return String(reply)
    .split("\n")
    .filter((line) => line !== "");
}

/** The value of `name=` in a line of CLIENT LIST. */
function field(line: string, name: string): string {
  return new RegExp(`(?:^| )${name}=(\\S*)`).exec(line)?.[1] ?? "missing";
}

/** The "name:value" lines of INFO. */
function fieldsOf(reply: Reply): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of String(reply).split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}

/** The text of an error reply. */
function messageOf(reply: Reply): string {
  return reply instanceof ReplyError ? reply.text : `no error but ${String(reply)}`;
}
