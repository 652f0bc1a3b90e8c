/**
 * Process tests of `kv ws-server --bridge`: two servers and a real Redis, Valkey or NATS server
 * between them, which is killed and comes back.
 */
import { describe, expect, test } from "bun:test";
import { tmpdir } from "node:os";
import { commandsTable } from "../scripts/readme-commands.ts";
import { CHAT_BRIDGE_PENDING_MAX } from "../src/base/limits.ts";
import { ChatClient, metric, startChat } from "./chat-harness.ts";
import { eventually, freePort, hasPeer, kvCommand, run, Server } from "./harness.ts";

/** Something that a bridge can go over: how to start it on a port, and its URL. */
interface Middle {
  readonly name: string;
  readonly scheme: string;
  readonly isThere: boolean;
  command(port: number): string[];
}

const REDIS = redisLike("redis-server");

const MIDDLES: readonly Middle[] = [
  REDIS,
  redisLike("valkey-server"),
  {
    name: "kv serve",
    scheme: "redis",
    // From when on it knows PSUBSCRIBE.
    isThere: commandsTable().includes("PSUBSCRIBE"),
    command: (port) => [...kvCommand(), "serve", "--port", `${port}`, "--threads", "2"],
  },
  {
    name: "nats-server",
    scheme: "nats",
    isThere: hasPeer("nats-server"),
    command: (port) => ["nats-server", "--addr", "127.0.0.1", "--port", `${port}`],
  },
];

function redisLike(name: string): Middle {
  const args = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  return {
    name,
    scheme: "redis",
    isThere: hasPeer(name),
    command: (port) => [name, "--port", `${port}`, ...args],
  };
}

async function startMiddle({ name, command }: Middle, port: number): Promise<Server> {
  const server = new Server(command(port), { cwd: tmpdir() });
  server.port = port;
  await eventually(() => canConnect(port), `${name} listens`);
  return server;
}

async function canConnect(port: number): Promise<boolean> {
  try {
    const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
    socket.terminate();
    return true;
  } catch {
    return false;
  }
}

async function isBridged(server: Server): Promise<boolean> {
  return (await metric(server, "bridge_connected")) === 1;
}

for (const middle of MIDDLES) {
  describe.skipIf(!middle.isThere)(`over ${middle.name}`, () => {
    test("two servers are one chat, and nobody hears a message twice", async () => {
      const port = freePort();
      await using _ = await startMiddle(middle, port);
      const bridge = ["--bridge", `${middle.scheme}://127.0.0.1:${port}`];
      await using first = await startChat([...bridge, "--threads", "2"]);
      await using second = await startChat([...bridge, "--threads", "1"]);
      await eventually(async () => (await isBridged(first)) && isBridged(second), "both are there");
      await using ann = await ChatClient.join(first, { room: "größe.1", name: "ann" });
      await using bob = await ChatClient.join(second, { room: "größe.1", name: "bob" });
      await using other = await ChatClient.join(second, { room: "other" });
      await using page = await ChatClient.join(second, { room: "größe.1", isChat: true });
      const bytes = Buffer.from(Array.from({ length: 256 }, (_it, i) => i));
      ann.send(bytes);
      for (let i = 0; i < 500; i++) ann.send(`ann ${i}`);
      await eventually(() => bob.frames.length >= 501, "bob has heard ann");
      bob.send("last");
      const expected = [bytes, ...Array.from({ length: 500 }, (_it, i) => `ann ${i}`), "last"];
      for (const client of [ann, bob]) expect(await client.until(502)).toEqual(expected);
      expect(other.frames).toEqual([]);
      // Who is there is known on both sides.
      await eventually(() => {
        const roster = page.envelopes.findLast((it) => it.type === "roster");
        const names = roster?.members?.map((it) => it.name).sort() ?? [];
        return roster?.count === 3 && names.join() === "ann,bob";
      }, "the roster has both servers' people");
      // The history of each has both.
      await using late = await ChatClient.join(first, { room: "größe.1", history: 3 });
      expect(await late.until(3)).toEqual(["ann 498", "ann 499", "last"]);
      expect(await metric(second, "bridge_received_total")).toBe(501);
      expect(await metric(second, "bridge_lost_received_total")).toBe(0);
    });

    test("it comes back by itself, and what was lost is said", async () => {
      const port = freePort();
      const bridge = ["--bridge", `${middle.scheme}://127.0.0.1:${port}`, "--threads", "1"];
      // Nothing is there yet: the servers come up all the same.
      await using first = await startChat(bridge);
      await using second = await startChat(bridge);
      await using ann = await ChatClient.join(first, { isChat: true, name: "ann" });
      await using bob = await ChatClient.join(second, { isChat: true, name: "bob" });
      await eventually(() => ann.envelopes[0]?.bridge?.isConnected === false, "it is said at once");
      {
        await using middleServer = await startMiddle(middle, port);
        await eventually(async () => (await isBridged(first)) && isBridged(second), "connected");
        ann.say("before");
        await eventually(() => bob.texts.includes("before"), "bob hears it");
        middleServer.kill("SIGKILL");
      }
      await eventually(async () => !(await isBridged(first)) && !(await isBridged(second)), "gone");
      for (let i = 0; i < 7; i++) ann.say(`away ${i}`);
      await eventually(() => ann.texts.includes("away 6"), "those of its server hear it");
      expect(bob.texts).toEqual(["before"]);
      await using _ = await startMiddle(middle, port);
      await eventually(async () => (await isBridged(first)) && isBridged(second), "back");
      ann.say("after");
      await eventually(() => bob.texts.includes("after"), "bob hears it again");
      expect(bob.texts).toEqual(["before", "after"]);
      function news(client: ChatClient): (string | undefined)[] {
        return client.envelopes.filter((it) => it.type === "bridge").map((it) => it.text);
      }
      const [lostOut, lostIn] = [
        "7 messages from here did not reach the other servers.",
        "7 messages of other servers did not arrive here.",
      ];
      await eventually(() => news(ann).includes(lostOut), "the sender's side is told");
      await eventually(() => news(bob).includes(lostIn), "the other side is told");
      for (const told of [news(ann), news(bob)]) {
        expect(told).toContainEqual(expect.stringMatching(/^The connection .* is lost\./));
        expect(told).toContainEqual(expect.stringMatching(/^The other servers are back after/));
      }
      expect(await metric(first, "bridge_lost_sent_total")).toBe(7);
      expect(await metric(second, "bridge_lost_received_total")).toBe(7);
      expect(first.stderr).toContain(`bridge: ${lostOut}`);
      expect(second.stderr).toContain(`bridge: ${lostIn}`);
      expect(await first.stop()).toMatchObject({ exitCode: 0 });
    });
  });
}

for (const middle of MIDDLES) {
  test.skipIf(!middle.isThere)(
    `${middle.name} hangs: what waits is bounded, and said`,
    async () => {
      const port = freePort();
      await using hanging = await startMiddle(middle, port);
      const bridge = ["--bridge", `${middle.scheme}://127.0.0.1:${port}`, "--threads", "1"];
      await using server = await startChat([...bridge, "--rate-limit", "0"]);
      await using ann = await ChatClient.join(server, { history: 0 });
      await eventually(() => isBridged(server), "connected");
      hanging.kill("SIGSTOP");
      for (let i = 0; i < CHAT_BRIDGE_PENDING_MAX + 100; i++) ann.send("x");
      await ann.until(CHAT_BRIDGE_PENDING_MAX + 100);
      await eventually(
        async () => (await metric(server, "bridge_lost_sent_total")) >= 90,
        "bounded",
      );
      // In the end it counts as gone, and so does what it never confirmed.
      await eventually(async () => !(await isBridged(server)), "it is noticed");
      const lost = () => metric(server, "bridge_lost_sent_total");
      await eventually(
        async () => (await lost()) === CHAT_BRIDGE_PENDING_MAX + 100,
        "all are lost",
      );
      hanging.kill("SIGCONT");
      await eventually(() => isBridged(server), "it is back");
      expect(server.stderr).toMatch(/bridge: \d+ messages from here did not reach/);
    },
  );
}

describe.skipIf(!REDIS.isThere || !hasPeer("redis-cli"))("other programs", () => {
  test("what they publish to a room's channel is a message, and they can listen", async () => {
    const port = freePort();
    await using _ = await startMiddle(REDIS, port);
    await using server = await startChat(["--bridge", `redis://127.0.0.1:${port}`]);
    await eventually(() => isBridged(server), "connected");
    await using ann = await ChatClient.join(server);
    const publish = ["redis-cli", "-p", `${port}`, "publish", "kv.chat.room.lobby"];
    expect((await run([...publish, "hello from redis-cli"])).stdout).toBe("1\n");
    expect(await ann.until(1)).toEqual(["hello from redis-cli"]);
    // What is no room's name, too large, or no control message, does no harm.
    for (const [channel, text] of [
      ["kv.chat.room.a b", "x"],
      ["kv.chat.control", '{"rooms":{"lobby":3}}'],
      ["kv.chat.room.lobby", "x".repeat(65_537)],
      ["kv.chat.room.lobby", "still here"],
    ] as const) {
      await run(["redis-cli", "-p", `${port}`, "publish", channel, text]);
    }
    expect(await ann.until(2)).toEqual(["hello from redis-cli", "still here"]);
    expect(await metric(server, "bridge_lost_received_total")).toBe(2);
  });
});

test("a password that is wrong is said in the log, without the password", async () => {
  if (!REDIS.isThere) return;
  const port = freePort();
  const server = new Server([...REDIS.command(port), "--requirepass", "right"], { cwd: tmpdir() });
  await using _ = server;
  await eventually(() => canConnect(port), "it listens");
  await using wrong = await startChat(["--bridge", `redis://:secret-wrong@127.0.0.1:${port}`]);
  await eventually(() => wrong.stderr.includes("WRONGPASS"), "the reason is logged");
  expect(wrong.stderr).not.toContain("secret-wrong");
  await using right = await startChat(["--bridge", `redis://:right@127.0.0.1:${port}`]);
  await eventually(() => isBridged(right), "connected");
});
