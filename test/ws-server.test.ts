/**
 * Process tests of `kv ws-server` as a chat server: starting and stopping, relaying, rooms across
 * threads, history, kv.chat.v1, and its HTTP routes. What it refuses is in ws-limits.test.ts.
 */
import { describe, expect, test } from "bun:test";
import { Prng } from "../src/base/prng.ts";
import { readMark } from "../src/store/log-files.ts";
import { ChatClient, frameOf, httpUrl, metric, RawWebSocket, startChat } from "./chat-harness.ts";
import { eventually, kvCommand, readyPort, run, Server, temporaryFolder } from "./harness.ts";

const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_it, i) => i));

describe("starting and stopping", () => {
  test("the ready line says address, threads and where the history is", async () => {
    await using server = await startChat(["--threads", "2"]);
    const address = `http://127.0.0.1:${server.port}/`;
    const facts = `threads: 2, history: memory, pid: ${server.pid}`;
    expect(server.stdout).toBe(`kv ws-server ready on ${address} (${facts})\n`);
  });

  test.each(["SIGTERM", "SIGINT"] as const)("%s: clients get 1001, exit code 0", async (signal) => {
    await using server = await startChat(["--threads", "2"]);
    const clients = await Promise.all(Array.from({ length: 6 }, () => ChatClient.join(server)));
    const startMs = performance.now();
    server.kill(signal);
    for (const client of clients) expect(await client.untilClosed()).toBe(1001);
    expect(await server.finished()).toMatchObject({ exitCode: 0, stderr: "" });
    expect(performance.now() - startMs).toBeLessThan(2000);
  });

  test("a port in use is refused, also one that a ws-server listens on", async () => {
    await using server = await startChat(["--threads", "1"]);
    const args = ["ws-server", "--host", "127.0.0.1", "--port", `${server.port}`];
    expect(await run([...kvCommand(), ...args])).toEqual({
      exitCode: 1,
      stdout: "",
      stderr:
        `kv: Cannot listen on 127.0.0.1:${server.port}: port in use\n` +
        "hint: another server runs there; stop it, or choose another --port\n",
    });
  });

  test("an address that is not this machine's is refused with exit code 1", async () => {
    const args = ["ws-server", "--host", "192.0.2.1", "--port", "0"];
    const { exitCode, stderr } = await run([...kvCommand(), ...args]);
    expect(exitCode).toBe(1);
    expect(stderr).toStartWith("kv: Cannot listen on 192.0.2.1:0: ");
  });

  test("--help lists the options, and a wrong one is refused with exit code 64", async () => {
    const help = await run([...kvCommand(), "ws-server", "--help"]);
    expect(help.stdout).toContain("--rate-limit <count>");
    expect(help.exitCode).toBe(0);
    const wrong = await run([...kvCommand(), "ws-server", "--dirs", "x"]);
    expect(wrong.stderr).toStartWith("kv: --dirs: unknown option\n");
    expect(wrong.exitCode).toBe(64);
    const idle = await run([...kvCommand(), "ws-server", "--dir", "x", "--history", "0"]);
    expect(idle.stderr).toStartWith("kv: --dir: has no effect with --history 0");
    expect(idle.exitCode).toBe(64);
  });
});

describe("relaying", () => {
  test("binary goes byte for byte and text as text, to all threads, the sender too", async () => {
    await using server = await startChat(["--threads", "2"]);
    const clients = await Promise.all(Array.from({ length: 8 }, () => ChatClient.join(server)));
    const sent = [ALL_BYTES, "grüße 👋 \u0000 end", Buffer.alloc(0), "", Buffer.alloc(65_536, 7)];
    for (const frame of sent) clients[0]?.send(frame);
    for (const client of clients) expect(await client.until(sent.length)).toEqual(sent);
    expect(await metric(server, "messages_received_total")).toBe(sent.length);
    await eventually(
      async () => (await metric(server, "messages_sent_total")) === sent.length * clients.length,
      "every delivery is counted",
    );
  });

  test("rooms are apart; without one it is the lobby", async () => {
    await using server = await startChat(["--threads", "2"]);
    await using a = await ChatClient.join(server, { room: "a" });
    await using b = await ChatClient.join(server, { room: "b" });
    await using lobby = await ChatClient.join(server);
    await using lobby2 = await ChatClient.join(server, { room: "lobby" });
    a.send("to a");
    b.send("to b");
    lobby.send("to all");
    expect(await a.until(1)).toEqual(["to a"]);
    expect(await b.until(1)).toEqual(["to b"]);
    expect(await lobby2.until(1)).toEqual(["to all"]);
    expect(await metric(server, "rooms")).toBe(3);
  });

  test("everybody gets every message once, each sender's in order", async () => {
    await using server = await startChat(["--threads", "3"]);
    const [clientsCount, each] = [12, 400];
    const clients = await Promise.all(
      Array.from({ length: clientsCount }, () => ChatClient.join(server)),
    );
    for (let i = 0; i < each; i++) {
      for (const [index, client] of clients.entries()) client.send(`${index}:${i}`);
    }
    for (const client of clients) {
      await client.until(clientsCount * each);
      const bySender = Map.groupBy(client.frames as string[], (it) => it.split(":")[0] as string);
      expect(bySender.size).toBe(clientsCount);
      for (const [sender, frames] of bySender) {
        expect(frames).toEqual(Array.from({ length: each }, (_it, i) => `${sender}:${i}`));
      }
    }
  });

  test("a message in fragments arrives as one", async () => {
    await using server = await startChat(["--threads", "1"]);
    await using reader = await ChatClient.join(server);
    await using writer = await RawWebSocket.join(server);
    writer.send(frameOf(2, ALL_BYTES, false));
    writer.send(frameOf(0, Buffer.alloc(0), false));
    writer.send(frameOf(9, Buffer.from("ping")));
    writer.send(frameOf(0, ALL_BYTES));
    expect(await reader.until(1)).toEqual([Buffer.concat([ALL_BYTES, ALL_BYTES])]);
  });

  test("clients that are killed at random cost the others nothing", async () => {
    await using server = await startChat(["--threads", "2"]);
    const [clientsCount, each] = [60, 50];
    const clients = await Promise.all(
      Array.from({ length: clientsCount }, () => ChatClient.join(server)),
    );
    const random = new Prng(1);
    const killed = new Set<number>();
    for (let i = 0; i < each; i++) {
      for (const [index, client] of clients.entries()) {
        if (!killed.has(index)) client.send(`${index}:${i}`);
      }
      if (i % 8 !== 4) continue;
      const victim = random.below(clientsCount);
      killed.add(victim);
      await clients[victim]?.[Symbol.asyncDispose]();
    }
    const alive = clients.filter((_it, index) => !killed.has(index));
    expect(alive.length).toBeLessThan(clientsCount);
    for (const client of alive) {
      await eventually(
        () => (client.frames as string[]).filter(isFromAlive).length === alive.length * each,
        "everything of those who live has arrived",
      );
      const bySender = Map.groupBy(client.frames as string[], (it) => it.split(":")[0] as string);
      // Of the killed ones too: in order, without a gap.
      for (const [sender, frames] of bySender) {
        expect(frames).toEqual(frames.map((_it, i) => `${sender}:${i}`));
      }
    }
    function isFromAlive(frame: string): boolean {
      return !killed.has(Number(frame.split(":")[0]));
    }
  });
});

describe("history", () => {
  test("who joins is given the last messages as they were, or fewer, or none", async () => {
    // One thread: what another has not received yet comes live, and "one" with it.
    await using server = await startChat(["--threads", "1", "--history", "3"]);
    await using ann = await ChatClient.join(server);
    for (const frame of ["one", ALL_BYTES, "three", "four"]) ann.send(frame);
    await ann.until(4);
    for (const [history, expected] of [
      [undefined, [ALL_BYTES, "three", "four"]],
      [2, ["three", "four"]],
      [99, [ALL_BYTES, "three", "four"]],
    ] as const) {
      const options = history === undefined ? {} : { history };
      await using late = await ChatClient.join(server, options);
      expect(await late.until(expected.length)).toEqual(expected as never);
    }
    await using none = await ChatClient.join(server, { history: 0 });
    ann.send("five");
    expect(await none.until(1)).toEqual(["five"]);
  });

  test("it outlives those who were in the room, and --history 0 keeps nothing", async () => {
    for (const [history, expected] of [
      ["50", ["said"]],
      ["0", []],
    ] as const) {
      await using server = await startChat(["--history", history]);
      {
        await using ann = await ChatClient.join(server);
        ann.send("said");
        await ann.until(1);
      }
      await eventually(async () => (await metric(server, "rooms")) === 0, "nobody is left");
      await using late = await ChatClient.join(server);
      late.send("last");
      expect(await late.until(expected.length + 1)).toEqual([...expected, "last"]);
    }
  });

  test("with --dir it is there after a kill -9 in the middle of the talk", async () => {
    using folder = temporaryFolder();
    const dir = `${folder.path}/chat`;
    const args = ["--dir", dir, "--history", "10000", "--threads", "2", "--rate-limit", "0"];
    let heard = 0;
    {
      await using server = await startChat(args);
      expect(server.stdout).toContain(`history: ${dir}, pid`);
      const ann = await ChatClient.join(server);
      for (let i = 0; i < 3000; i++) ann.send(`said ${i}`);
      // What has come back was in the history before.
      heard = (await ann.until(1500)).length;
      server.kill("SIGKILL");
      await server.finished();
    }
    await using server = await startChat(args);
    await using late = await ChatClient.join(server);
    const frames = (await late.until(heard)) as string[];
    expect(frames.slice(0, heard)).toEqual(Array.from({ length: heard }, (_, i) => `said ${i}`));
  });

  test("with --dir its log is flushed while nobody talks, and SIGTERM ends it with 0", async () => {
    using folder = temporaryFolder();
    const dir = `${folder.path}/chat`;
    await using server = await startChat(["--dir", dir]);
    {
      await using ann = await ChatClient.join(server);
      ann.send("said");
      await ann.until(1);
    }
    // Without the store's background thread, senders would wait for ever from 0.8 s on.
    await eventually(() => (readMark(dir)?.stamp ?? 0) > 0, "it is flushed");
    expect(await server.stop()).toMatchObject({ exitCode: 0, stderr: "" });
  });

  test.skipIf(Bun.which("strace") === null)(
    "a disk that refuses to flush the history ends the server with its reason",
    async () => {
      using folder = temporaryFolder();
      const inject = ["-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync"];
      const when = "inject=fdatasync:error=EIO:when=14+";
      const dir = `${folder.path}/chat`;
      const chat = ["ws-server", "--port", "0", "--host", "127.0.0.1", "--dir", dir];
      await using server = new Server(["strace", ...inject, "-e", when, ...kvCommand(), ...chat]);
      await eventually(() => readyPort(server.stdout) !== 0, "it is ready");
      server.port = readyPort(server.stdout);
      const ann = await ChatClient.join(server);
      await eventually(() => {
        ann.send("said");
        return !server.isRunning;
      }, "it ends");
      const { exitCode, stderr } = await server.finished();
      expect([exitCode, stderr]).toEqual([1, "kv: Cannot flush the log: the disk refuses\n"]);
    },
  );

  test("who joins while others talk on other threads gets each message once", async () => {
    await using server = await startChat(["--threads", "3", "--history", "10000"]);
    const senders = await Promise.all(
      Array.from({ length: 3 }, () => ChatClient.join(server, { history: 0 })),
    );
    const each = 1500;
    const joiners: ChatClient[] = [];
    for (let i = 0; i < each; i++) {
      for (const [index, sender] of senders.entries()) sender.send(`${index}:${i}`);
      if (i % 100 === 50) joiners.push(await ChatClient.join(server));
    }
    for (const joiner of joiners) {
      await joiner.until(each * senders.length);
      const bySender = Map.groupBy(joiner.frames as string[], (it) => it.split(":")[0] as string);
      for (const [sender, frames] of bySender) {
        expect(frames).toEqual(Array.from({ length: each }, (_it, i) => `${sender}:${i}`));
      }
    }
    expect(joiners.length).toBe(15);
  });
});

describe("kv.chat.v1", () => {
  test("welcomes with the history, passes messages with author, says who is there", async () => {
    await using server = await startChat(["--threads", "2"]);
    await using ann = await ChatClient.join(server, { name: "ann", isChat: true });
    expect(ann.protocol).toBe("kv.chat.v1");
    ann.say("hello");
    await using raw = await ChatClient.join(server, { name: "raw" });
    raw.send("from raw");
    raw.send(Buffer.alloc(300));
    await eventually(() => ann.texts.length === 3, "ann has all three");
    await using ben = await ChatClient.join(server, { name: "ben", isChat: true });
    // From the history; what his thread has not yet received when he joins comes behind it.
    await eventually(() => ben.texts.length === 3, "ben has all three");
    // Two senders, on two threads perhaps: each has its order.
    const order = ["hello", "from raw", undefined];
    const said = ben.messages.toSorted((a, b) => order.indexOf(a.text) - order.indexOf(b.text));
    expect(said.map(({ from, text, sizeBytes }) => [from?.name, text ?? sizeBytes])).toEqual([
      ["ann", "hello"],
      ["raw", "from raw"],
      ["raw", 300],
    ]);
    expect(said[0]?.from?.id).toBe(ann.envelopes[0]?.you?.id as string);
    ben.say("I am here");
    await eventually(() => ann.texts.includes("I am here"), "ann hears ben");
    const frames = await raw.until(4);
    expect(frames).toContainValues(["hello", "I am here"]);
    expect(frames.filter((it) => it !== "hello")).toEqual([
      "from raw",
      Buffer.alloc(300),
      "I am here",
    ]);
    for (const client of [ann, ben]) {
      await eventually(() => {
        const roster = client.envelopes.findLast((it) => it.type === "roster");
        return (
          roster?.members?.map((it) => it.name).join() === "ann,raw,ben" || roster?.count === 3
        );
      }, "everybody is in the roster");
    }
  });

  test("others see nothing of it", async () => {
    await using server = await startChat(["--threads", "1"]);
    await using raw = await ChatClient.join(server);
    await using ann = await ChatClient.join(server, { name: "ann", isChat: true });
    await eventually(() => ann.envelopes.some((it) => it.type === "roster"), "a roster");
    raw.send("only this");
    expect(await raw.until(1)).toEqual(["only this"]);
  });
});

describe("HTTP", () => {
  async function publish(url: string, body: string): Promise<[number, string]> {
    const response = await fetch(url, { method: "POST", body });
    return [response.status, (await response.text()).trim()];
  }

  test("POST /publish goes to the room as one binary message, or says why not", async () => {
    await using server = await startChat(["--threads", "2", "--max-payload", "1kb"]);
    const url = httpUrl(server, "/publish");
    const hello = JSON.stringify({ message: "grüße" });
    expect(await publish(url, hello)).toEqual([500, "Failed to publish message"]);
    await using ann = await ChatClient.join(server);
    await using page = await ChatClient.join(server, { room: "b", isChat: true });
    await eventually(async () => (await metric(server, "rooms")) === 2, "both are there");
    expect(await publish(url, hello)).toEqual([200, "Message published"]);
    expect(await ann.until(1)).toEqual([Buffer.from("grüße")]);
    const toB = JSON.stringify({ message: "to b", room: "b" });
    expect(await publish(url, toB)).toEqual([200, "Message published"]);
    await eventually(() => page.texts.includes("to b"), "the page has it as text");
    const room = JSON.stringify({ message: "x", room: "no room" });
    for (const [body, status, text] of [
      ["{", 400, 'the body is not JSON, use {"message": "…"}'],
      ["null", 400, 'message: not there, use {"message": "…"}'],
      ['{"message":1}', 400, 'message: not there, use {"message": "…"}'],
      ['{"message":"x","room":1}', 400, "room: not a text"],
      [room, 400, "room: letters, digits and . _ ~ - are allowed, at least one"],
      [JSON.stringify({ message: "x".repeat(1024) }), 200, "Message published"],
      [
        JSON.stringify({ message: "x".repeat(1025) }),
        413,
        "message: too large (1025 bytes), at most 1024 are allowed",
      ],
    ] as const) {
      expect(await publish(url, body)).toEqual([status, text]);
    }
    expect((await publish(url, " ".repeat(100_000)))[0]).toBe(413);
    expect((await fetch(url)).status).toBe(405);
  });

  test("/healthz, /metrics, and what is not there", async () => {
    await using server = await startChat(["--threads", "2"]);
    expect(await (await fetch(httpUrl(server, "/healthz"))).text()).toBe("ok\n");
    expect((await fetch(httpUrl(server, "/elsewhere"))).status).toBe(404);
    expect((await fetch(httpUrl(server, "/ws"))).status).toBe(426);
    {
      await using _ = await ChatClient.join(server);
      expect(await metric(server, "clients")).toBe(1);
    }
    await eventually(async () => (await metric(server, "clients")) === 0, "it has left");
    const text = await (await fetch(httpUrl(server, "/metrics"))).text();
    // Prometheus text: each line is a comment, or a name, labels and a number.
    for (const line of text.trimEnd().split("\n")) {
      expect(line).toMatch(/^(?:# (?:HELP|TYPE) .+|kv_ws_\w+(?:\{reason="\w+"\})? \d+)$/);
    }
  });

  test("/ is the page, whose policy allows nothing but its own style and script", async () => {
    await using server = await startChat();
    const response = await fetch(httpUrl(server, "/"));
    const policy = response.headers.get("content-security-policy") ?? "";
    expect(policy).toMatch(/default-src 'none'; script-src 'sha256-\S+'; style-src 'sha256-/);
    expect(policy).not.toContain("unsafe");
    const html = await response.text();
    expect(html).toContain("<title>kv chat</title>");
    expect(html).toContain("kv.chat.v1");
    expect((await fetch(httpUrl(server, "/"), { method: "POST" })).status).toBe(405);
  });
});
