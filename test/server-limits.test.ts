/**
 * Process tests of what a client cannot do to `kv serve`: not reading, announcing more than it
 * sends, staying without a word or a password, coming in masses; and of several Workers together.
 */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { encodeRequest } from "../src/resp/encoder.ts";
import { Client, eventually, kvCommand, readyPort, Server, startKv } from "./harness.ts";

const MIB = 1024 * 1024;
/** What sockets on both ends may hold of a reply, and one reply of the tests below. */
const IN_FLIGHT_MAX = 16 * MIB;

/** Resident memory of a process, bytes. */
function residentBytes(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
  return Number(kib) * 1024;
}

/** One number of INFO. */
async function info(client: Client, field: string): Promise<number> {
  const text = String(await client.command("INFO"));
  return Number(new RegExp(`^${field}:(\\d+)`, "m").exec(text)?.[1]);
}

/** A field of the CLIENT LIST line of `id`, "" when there is no such client. */
async function listed(client: Client, id: number, field: string): Promise<string> {
  const text = String(await client.command("CLIENT", "LIST"));
  const line = text.split("\n").find((it) => it.startsWith(`id=${id} `)) ?? "";
  return new RegExp(` ${field}=(\\S*)`).exec(line)?.[1] ?? "";
}

/** A client that does not read, and its id. */
async function connectReader(server: Server): Promise<{ client: Client; id: number }> {
  const client = await Client.connect(server);
  const id = Number(await client.command("CLIENT", "ID"));
  client.pause();
  return { client, id };
}

describe("a client that does not read", () => {
  test("is stopped with bounded memory, goes on where it was, and gets everything", async () => {
    await using server = await startKv(["--threads", "1"]);
    await using control = await Client.connect(server);
    await control.command("SET", "key", Buffer.alloc(MIB, "x"));
    const before = residentBytes(server.pid);
    const { client, id } = await connectReader(server);
    // 100 MiB of replies, of which the sockets hold a few.
    for (let i = 0; i < 100; i++) client.send(encodeRequest("GET", "key"));
    client.send(encodeRequest("ECHO", "last"));
    await eventually(async () => Number(await listed(control, id, "omem")) > 0, "replies wait");
    expect(Number(await listed(control, id, "omem"))).toBeLessThan(4 * MIB);
    expect(residentBytes(server.pid) - before).toBeLessThan(64 * MIB);
    client.resume();
    const replies = await client.nextMany(101);
    expect(replies.slice(0, 100).every((it) => String(it).length === MIB)).toBe(true);
    expect(replies[100]).toBe("last");
    await using _ = client;
  });

  test("is closed when its replies have not moved for client-output-stall-timeout", async () => {
    await using server = await startKv(["--threads", "1"]);
    await using control = await Client.connect(server);
    await control.command("CONFIG", "SET", "client-output-stall-timeout", "1");
    await control.command("SET", "key", Buffer.alloc(MIB));
    const { client, id } = await connectReader(server);
    await using _ = client;
    for (let i = 0; i < 100; i++) client.send(encodeRequest("GET", "key"));
    await eventually(async () => (await listed(control, id, "addr")) === "", "it is closed");
    expect(await info(control, "connected_clients")).toBe(1);
    expect(await info(control, "client_output_buffer_limit_disconnections")).toBe(1);
    expect(server.stderr).toContain(`client ${id} at `);
  });

  test("is closed at once above the hard limit", async () => {
    await using server = await startKv(["--threads", "1"]);
    await using control = await Client.connect(server);
    const limit = `normal ${MIB} 0 0`;
    await control.command("CONFIG", "SET", "client-output-buffer-limit", limit);
    await control.command("SET", "key", Buffer.alloc(IN_FLIGHT_MAX));
    const { client, id } = await connectReader(server);
    await using _ = client;
    client.send(encodeRequest("GET", "key"));
    await eventually(async () => (await listed(control, id, "addr")) === "", "it is closed");
    expect(await info(control, "client_output_buffer_limit_disconnections")).toBe(1);
  });

  test("has 64 KiB before the password", async () => {
    await using server = await startKv(["--threads", "1", "--requirepass", "secret"]);
    await using control = await Client.connect(server);
    await control.command("AUTH", "secret");
    const client = await Client.connect(server);
    await using _ = client;
    client.pause();
    const requests = Buffer.from("GET key\r\n".repeat(10_000));
    for (let i = 0; i < 100; i++) client.send(requests);
    await eventually(
      async () => (await info(control, "client_output_buffer_limit_disconnections")) === 1,
      "it is closed",
    );
  });
});

describe("a client that is gone", () => {
  test("before it is accepted costs nothing, however often", async () => {
    await using server = await startKv(["--threads", "2"]);
    for (let i = 0; i < 300; i++) {
      const client = await Client.connect(server);
      client.close();
    }
    await using client = await Client.connect(server);
    expect(await client.command("PING")).toBe("PONG");
    await eventually(async () => (await info(client, "connected_clients")) === 1, "all are gone");
    expect(server.isRunning).toBe(true);
  });
});

describe("what a client sends", () => {
  test("an unfinished request above client-query-buffer-limit closes the connection", async () => {
    await using server = await startKv(["--threads", "1"]);
    await using control = await Client.connect(server);
    await control.command("CONFIG", "SET", "client-query-buffer-limit", `${MIB}`);
    await using client = await Client.connect(server);
    client.send(`*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$${64 * MIB}\r\n`);
    client.send(Buffer.alloc(4 * MIB, "x"));
    await client.closed;
    expect(await control.command("EXISTS", "key")).toBe(0);
    expect(await info(control, "client_query_buffer_limit_disconnections")).toBe(1);
  });

  test("announced lengths reserve nothing", async () => {
    await using server = await startKv(["--threads", "1"]);
    const before = residentBytes(server.pid);
    const clients = await Promise.all(
      Array.from({ length: 200 }, () => Client.connect({ port: server.port })),
    );
    for (const client of clients.slice(0, 100)) client.send("*1000000\r\n");
    for (const client of clients.slice(100)) client.send(`*2\r\n$3\r\nGET\r\n$${512 * MIB}\r\nx`);
    await using control = await Client.connect(server);
    await eventually(
      async () => (await info(control, "total_net_input_bytes")) > 100 * 10 + 100 * 27,
      "all of it has arrived",
    );
    expect(residentBytes(server.pid) - before).toBeLessThan(32 * MIB);
    for (const client of clients) client.close();
  });

  test("a protocol error is answered behind the replies before it, then the end", async () => {
    await using server = await startKv(["--threads", "1"]);
    await using client = await Client.connect(server);
    client.send(Buffer.concat([encodeRequest("PING"), Buffer.from("*1\r\n$x\r\n")]));
    client.send(Buffer.alloc(MIB, "y"));
    await client.closed;
    expect(client.received.toString()).toBe(
      "+PONG\r\n-ERR Protocol error: invalid bulk length\r\n",
    );
  });

  test("AUTH opens the way for what follows it in the same packet", async () => {
    await using server = await startKv(["--threads", "1", "--requirepass", "secret"]);
    await using client = await Client.connect(server);
    const requests = [
      encodeRequest("SET", "key", "value"),
      encodeRequest("AUTH", "secret"),
      encodeRequest("SET", "key", Buffer.alloc(100_000)),
      encodeRequest("STRLEN", "key"),
    ];
    client.send(Buffer.concat(requests));
    const replies = await client.nextMany(4);
    expect(replies.slice(1)).toEqual(["OK", "OK", 100_000]);
    expect(client.received.toString()).toStartWith("-NOAUTH Authentication required.\r\n");
  });

  test("an idle client is closed after timeout", async () => {
    await using server = await startKv(["--threads", "1"]);
    await using idle = await Client.connect(server);
    await idle.command("PING");
    await using control = await Client.connect(server);
    await control.command("CONFIG", "SET", "timeout", "1");
    await eventually(async () => (await info(control, "connected_clients")) === 1, "it is closed");
    expect(idle.isClosed).toBe(true);
  });
});

describe("maxclients", () => {
  test("refuses one more with a reason, over all Workers, until one has left", async () => {
    await using server = await startKv(["--threads", "2", "--maxclients", "3"]);
    const clients: Client[] = [];
    for (let i = 0; i < 3; i++) clients.push(await Client.connect(server));
    for (const client of clients) expect(await client.command("PING")).toBe("PONG");
    await using refused = await Client.connect(server);
    await refused.closed;
    expect(refused.received.toString()).toBe("-ERR max number of clients reached\r\n");
    const [first, second] = clients as [Client, Client];
    expect(await info(second, "rejected_connections")).toBe(1);
    first.close();
    await eventually(async () => (await info(second, "connected_clients")) === 2, "one has left");
    await using another = await Client.connect(server);
    expect(await another.command("PING")).toBe("PONG");
    for (const client of clients) client.close();
  });

  test("stays below the limit on descriptors, and the event loop does not spin there", async () => {
    const limited = ["sh", "-c", 'ulimit -n 256 && exec "$@"', "sh", ...kvCommand()];
    await using server = new Server([...limited, "serve", "--port", "0", "--threads", "1"]);
    await eventually(() => readyPort(server.stdout) !== 0, "it is ready");
    server.port = readyPort(server.stdout);
    expect(server.stderr).toContain("maxclients is 192 instead of 10000: see ulimit -n");
    const clients: Client[] = [];
    for (let i = 0; i < 240; i++) clients.push(await Client.connect(server));
    const refused = clients.slice(192);
    await Promise.all(refused.map((client) => client.closed));
    expect(refused.every((it) => it.received.toString().startsWith("-ERR max number"))).toBe(true);
    expect(await clients[0]?.command("PING")).toBe("PONG");
    for (const client of clients) client.close();
  });
});

describe("several Workers", () => {
  test("CLIENT KILL reaches clients of every Worker", async () => {
    await using server = await startKv(["--threads", "4"]);
    const clients: Client[] = [];
    for (let i = 0; i < 16; i++) clients.push(await Client.connect(server));
    const [killer, ...others] = clients as [Client, ...Client[]];
    for (const client of others) {
      const id = await client.command("CLIENT", "ID");
      expect(await killer.command("CLIENT", "KILL", "ID", `${id}`)).toBe(1);
      await client.closed;
    }
    expect(await info(killer, "connected_clients")).toBe(1);
    expect(await killer.command("CLIENT", "KILL", "ID", "999")).toBe(0);
    killer.close();
  });

  test("eight on fewer cores count every INCR once", async () => {
    await using server = await startKv(["--threads", "8"]);
    const clients = await Promise.all(Array.from({ length: 24 }, () => Client.connect(server)));
    const batch = Buffer.concat(Array.from({ length: 50 }, () => encodeRequest("INCR", "n")));
    await Promise.all(
      clients.map(async (client) => {
        for (let round = 0; round < 4; round++) {
          client.send(batch);
          await client.nextMany(50);
        }
      }),
    );
    const [first] = clients as [Client];
    expect(await first.command("GET", "n")).toBe(`${24 * 4 * 50}`);
    expect(await info(first, "connected_clients")).toBe(24);
    for (const client of clients) client.close();
  });

  test("a client killed in the middle of its pipeline runs nothing more", async () => {
    await using server = await startKv(["--threads", "2"]);
    await using control = await Client.connect(server);
    for (let round = 0; round < 20; round++) {
      await using client = await Client.connect(server);
      const id = await client.command("CLIENT", "ID");
      const requests = [
        encodeRequest("SET", "key", "before"),
        encodeRequest("CLIENT", "KILL", "ID", `${id}`, "SKIPME", "no"),
        encodeRequest("SET", "key", "after"),
      ];
      client.send(Buffer.concat(requests));
      await client.closed;
      expect(await control.command("GET", "key")).toBe("before");
    }
  });
});

describe("a reply above the output limit", () => {
  test("is not made to its end: the client is closed, and memory stays bounded", async () => {
    await using server = await startKv(["--threads", "1"]);
    await using control = await Client.connect(server);
    await control.command("CONFIG", "SET", "client-output-buffer-limit", "normal 1mb 0 0");
    await control.command("SET", "key", Buffer.alloc(MIB, "x"));
    const peakBytes = () => {
      const status = readFileSync(`/proc/${server.pid}/status`, "latin1");
      return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
    };
    const before = peakBytes();
    await using client = await Client.connect(server);
    client.send(encodeRequest("MGET", ...new Array<string>(200).fill("key")));
    await client.closed;
    expect(peakBytes() - before).toBeLessThan(100 * MIB);
    expect(await control.command("PING")).toBe("PONG");
  });
});

test("maxmemory can be raised far above what the server was started with", async () => {
  await using server = await startKv(["--threads", "1", "--maxmemory", "64mb"]);
  await using client = await Client.connect(server);
  const value = Buffer.alloc(8 * MIB, "x");
  await client.command("CONFIG", "SET", "maxmemory", "1gb");
  for (let i = 0; i < 25; i++) expect(await client.command("SET", `key${i}`, value)).toBe("OK");
});
