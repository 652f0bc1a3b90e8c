/**
 * Process tests of pub/sub over several threads: nothing lost, nothing out of order, exact counts
 * of receivers, with messages of all sizes, with subscribers that come and go, and beside one that
 * does not read; and a real client.
 */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { Prng } from "../src/base/prng.ts";
import { encodeRequest } from "../src/resp/encoder.ts";
import { ReplyPush } from "../src/resp/reader.ts";
import { ChildProcess, Client, eventually, hasPeer, type Server, startKv } from "./harness.ts";

const MIB = 1024 * 1024;

/** Peak of the resident memory of a process, bytes. */
function peakBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
}

function connectMany(server: Server, count: number): Promise<Client[]> {
  return Promise.all(Array.from({ length: count }, () => Client.connect(server)));
}

function closeAll(...groups: readonly (readonly Client[])[]): void {
  for (const client of groups.flat()) client.close();
}

async function numberOf(client: Client, ...words: string[]): Promise<number> {
  return Number(((await client.command(...words)) as unknown[])[1]);
}

/** The text of a message that a subscriber got. */
function messageOf(reply: unknown): string {
  return String((reply instanceof ReplyPush ? reply.items : (reply as unknown[])).at(-1));
}

test("every subscriber gets every message, in the order of each publisher", async () => {
  await using server = await startKv(["--threads", "3"]);
  const [publishers, subscribers] = [await connectMany(server, 4), await connectMany(server, 12)];
  for (const [i, subscriber] of subscribers.entries()) {
    if (i % 2 === 0) await subscriber.command("HELLO", "3");
    await subscriber.command(i % 3 === 0 ? "PSUBSCRIBE" : "SUBSCRIBE", i % 3 === 0 ? "c*" : "ch");
  }
  const counts = 1500;
  await Promise.all(
    publishers.map(async (publisher, p) => {
      const prng = new Prng(p);
      for (let from = 0; from < counts; from += 100) {
        const requests = Array.from({ length: 100 }, (_, i) => {
          // One in a hundred is too large for the ring, or makes it full.
          const size = prng.chance(100) ? prng.below(400_000) : prng.below(200);
          return encodeRequest("PUBLISH", "ch", `${p} ${from + i} ${"x".repeat(size)}`);
        });
        publisher.send(Buffer.concat(requests));
        expect(await publisher.nextMany(100)).toEqual(new Array(100).fill(subscribers.length));
      }
    }),
  );
  for (const subscriber of subscribers) {
    const next = publishers.map(() => 0);
    for (const reply of await subscriber.nextMany(counts * publishers.length)) {
      const [p, number] = messageOf(reply).split(" ", 2).map(Number) as [number, number];
      expect(number).toBe(next[p] as number);
      next[p] = number + 1;
    }
    expect(next).toEqual(publishers.map(() => counts));
  }
  closeAll(publishers, subscribers);
});

test("what PUBLISH counts is what arrives, while subscribers come and go", async () => {
  await using server = await startKv(["--threads", "3"]);
  const [publishers, churning] = [await connectMany(server, 3), await connectMany(server, 9)];
  let isDone = false;
  let counted = 0;
  let received = 0;
  const publishing = publishers.map(async (publisher, p) => {
    for (let round = 0; round < 120; round++) {
      const one = encodeRequest("PUBLISH", `c${p}`, `${round}`);
      publisher.send(Buffer.concat(new Array<Buffer>(50).fill(Buffer.from(one))));
      for (const count of await publisher.nextMany(50)) counted += Number(count);
    }
  });
  const coming = churning.map(async (client, i) => {
    const prng = new Prng(i);
    while (!isDone) {
      const name = `c${prng.below(3)}`;
      const isPattern = prng.chance(3);
      await client.command(isPattern ? "PSUBSCRIBE" : "SUBSCRIBE", isPattern ? "c*" : name);
      for (let want = prng.below(40); want > 0 && !isDone; want--) {
        client.send("PING\r\n");
        // Up to the answer to PING: messages come in between.
        while (messageOf(await client.next()) !== "") received++;
      }
      client.send(isPattern ? "PUNSUBSCRIBE\r\n" : "UNSUBSCRIBE\r\n");
      while (!String(await client.next()).includes("unsubscribe")) received++;
      expect(await client.command("PING")).toBe("PONG");
    }
  });
  await Promise.all(publishing);
  isDone = true;
  await Promise.all(coming);
  expect(received).toBe(counted);
  expect(counted).toBeGreaterThan(1000);
  const [first] = publishers as [Client];
  expect(await first.command("PUBSUB", "CHANNELS")).toEqual([]);
  expect(await first.command("PUBSUB", "NUMPAT")).toBe(0);
  expect(String(await first.command("INFO", "clients"))).toContain("pubsub_clients:0\r\n");
  closeAll(publishers, churning);
});

test("what is published once SUBSCRIBE was confirmed arrives, from any thread", async () => {
  await using server = await startKv(["--threads", "4"]);
  const [subscribers, publishers] = [await connectMany(server, 8), await connectMany(server, 8)];
  for (let round = 0; round < 100; round++) {
    const subscriber = subscribers[round % 8] as Client;
    await subscriber.command("SUBSCRIBE", "now");
    const publisher = publishers[(round * 5) % 8] as Client;
    expect(await publisher.command("PUBLISH", "now", `${round}`)).toBe(1);
    subscriber.send("UNSUBSCRIBE now\r\n");
    const [message, confirmation] = await subscriber.nextMany(2);
    expect(message).toEqual(["message", "now", `${round}`]);
    expect(confirmation).toEqual(["unsubscribe", "now", 0]);
    expect(await publisher.command("PUBLISH", "now", "late")).toBe(0);
  }
  closeAll(subscribers, publishers);
});

test("connections that break while messages come leave nothing behind", async () => {
  await using server = await startKv(["--threads", "3"]);
  await using publisher = await Client.connect(server);
  let isDone = false;
  const breaking = Array.from({ length: 4 }, async (_, i) => {
    for (let round = 0; round < 30; round++) {
      const clients = await connectMany(server, 4);
      for (const client of clients) {
        client.send(`SUBSCRIBE a b${i}\r\nPSUBSCRIBE *\r\nSSUBSCRIBE s\r\n`);
      }
      for (const client of clients) await client.nextMany(4 + (round % 3));
      closeAll(clients);
    }
  });
  const publishing = (async () => {
    while (!isDone) await publisher.command("PUBLISH", "a", "x".repeat(100));
  })();
  await Promise.all(breaking);
  isDone = true;
  await publishing;
  await eventually(
    async () => /pubsub_clients:0\r/.test(String(await publisher.command("INFO", "clients"))),
    "all have gone",
  );
  const stats = String(await publisher.command("INFO", "stats"));
  expect(stats).toContain("pubsub_channels:0\r\npubsub_patterns:0\r\npubsubshard_channels:0\r\n");
  expect(await publisher.command("PUBLISH", "a", "x")).toBe(0);
});

test("a subscriber that does not read is cut off at its limit, and bothers nobody", async () => {
  await using server = await startKv(["--threads", "2"]);
  await using control = await Client.connect(server);
  const [readers, sleepers] = [await connectMany(server, 4), await connectMany(server, 4)];
  for (const client of [...readers, ...sleepers]) await client.command("SUBSCRIBE", "a");
  for (const client of sleepers) client.pause();
  const before = peakBytes(server.pid);
  const message = "x".repeat(100_000);
  const counts: number[] = [];
  // 32 MiB for each of them, and what the sockets hold.
  for (let sent = 0; sent < 600; sent++) {
    counts.push(Number(await control.command("PUBLISH", "a", message)));
  }
  await eventually(async () => (await numberOf(control, "PUBSUB", "NUMSUB", "a")) === 4, "cut off");
  expect(counts[0]).toBe(8);
  expect(counts.at(-1)).toBe(4);
  expect(server.stderr.match(/message bytes are above the output limit/g)?.length).toBe(4);
  for (const reader of readers) {
    const messages = await reader.nextMany(600);
    expect(messages.every((it) => messageOf(it).length === message.length)).toBe(true);
  }
  // Four queues of 32 MiB, twice while they grow.
  expect(peakBytes(server.pid) - before).toBeLessThan(4 * 3 * 32 * MIB);
  const info = String(await control.command("INFO", "stats"));
  expect(info).toContain("client_output_buffer_limit_disconnections:4\r\n");
  closeAll(readers, sleepers);
});

test("client-output-buffer-limit pubsub, the soft limit", async () => {
  await using server = await startKv(["--threads", "1"]);
  await using control = await Client.connect(server);
  const limit = "pubsub 0 100000 1 normal 1000 0 0";
  await control.command("CONFIG", "SET", "client-output-buffer-limit", limit);
  await using sleeper = await Client.connect(server);
  await sleeper.command("SUBSCRIBE", "a");
  sleeper.pause();
  for (let sent = 0; sent < 200; sent++) {
    await control.command("PUBLISH", "a", "x".repeat(100_000));
  }
  expect(await numberOf(control, "PUBSUB", "NUMSUB", "a")).toBe(1);
  const isCutOff = async () => (await numberOf(control, "PUBSUB", "NUMSUB", "a")) === 0;
  await eventually(isCutOff, "it is cut off");
});

test("publishers that are far ahead wait for the ring, and nothing is lost", async () => {
  await using server = await startKv(["--threads", "2"]);
  await using control = await Client.connect(server);
  await control.command("CONFIG", "SET", "client-output-buffer-limit", "pubsub 0 0 0");
  const [publishers, subscribers] = [await connectMany(server, 6), await connectMany(server, 6)];
  for (const subscriber of subscribers) await subscriber.command("SUBSCRIBE", "a");
  // 60 MiB, fifteen rings, that are all on their way before the first answer is awaited.
  const one = encodeRequest("PUBLISH", "a", "x".repeat(50_000));
  for (const publisher of publishers) {
    for (let i = 0; i < 200; i++) publisher.send(one);
  }
  for (const publisher of publishers) {
    expect(await publisher.nextMany(200)).toEqual(new Array(200).fill(6));
  }
  for (const subscriber of subscribers) await subscriber.nextMany(1200);
  closeAll(publishers, subscribers);
});

test("a silent subscriber is not idle", async () => {
  await using server = await startKv(["--threads", "1"]);
  await using subscriber = await Client.connect(server);
  await using idle = await Client.connect(server);
  await subscriber.command("SUBSCRIBE", "a");
  await using control = await Client.connect(server);
  await control.command("CONFIG", "SET", "timeout", "1");
  await eventually(async () => {
    await control.command("PING");
    return idle.isClosed;
  }, "an idle client is closed");
  await eventually(async () => {
    const line = String(await control.command("CLIENT", "LIST", "TYPE", "pubsub"));
    return Number(/ idle=(\d+)/.exec(line)?.[1]) >= 3;
  }, "it has been silent for three seconds");
  expect(await control.command("PUBLISH", "a", "x")).toBe(1);
  expect(await subscriber.next()).toEqual(["message", "a", "x"]);
});

test("redis-cli SUBSCRIBE", async () => {
  if (!hasPeer("redis-cli")) return;
  await using server = await startKv(["--threads", "2"]);
  await using control = await Client.connect(server);
  await using cli = new ChildProcess([
    ...["redis-cli", "-p", `${server.port}`, "-3", "--csv"],
    ...["SUBSCRIBE", "a", "b"],
  ]);
  const subscribed = async () => (await numberOf(control, "PUBSUB", "NUMSUB", "b")) === 1;
  await eventually(subscribed, "it is subscribed");
  expect(await control.command("PUBLISH", "b", "hello")).toBe(1);
  await eventually(() => cli.stdout.includes("hello"), "the message is shown");
  expect(cli.stdout).toContain('"message","b","hello"');
});
