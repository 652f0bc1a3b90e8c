/**
 * Process tests of what a client cannot do to `kv ws-server`, each limit on both sides, and of what
 * the others notice of it: nothing.
 */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { ChatClient, frameOf, httpUrl, metric, RawWebSocket, startChat } from "./chat-harness.ts";
import { eventually, type Server } from "./harness.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** How many clients were closed for a reason. */
async function closes(server: Server, reason: string): Promise<number> {
  const text = await (await fetch(httpUrl(server, "/metrics"))).text();
  return Number(new RegExp(`closes_total\\{reason="${reason}"\\} (\\d+)`).exec(text)?.[1]);
}

/** The answer to a request for /ws that is not upgraded. */
async function refusal(
  server: Server,
  query: string,
  headers: Record<string, string> = {},
): Promise<[number, string]> {
  const response = await fetch(httpUrl(server, `/ws${query}`), { headers });
  return [response.status, (await response.text()).trim()];
}

function residentBytes(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
  return Number(kib) * KIB;
}

describe("who may come in", () => {
  test("a page of another site is refused with 403, unless it is allowed", async () => {
    const allowed = ["--allow-origin", "https://chat.example,http://localhost:8080"];
    await using server = await startChat(allowed);
    const own = `http://127.0.0.1:${server.port}`;
    for (const origin of [own, "https://chat.example", "http://localhost:8080"]) {
      await using client = await ChatClient.join(server, { headers: { origin } });
      expect(client.isClosed).toBe(false);
    }
    const wrong = ["https://evil.example", "https://chat.example.evil.example", "null"];
    wrong.push("http://chat.example", `http://127.0.0.1:${server.port + 1}`);
    for (const origin of wrong) {
      expect((await refusal(server, "", { origin }))[0]).toBe(403);
      await expect(ChatClient.join(server, { headers: { origin } })).rejects.toThrow();
      const publish = { method: "POST", headers: { origin }, body: '{"message":"x"}' };
      expect((await fetch(httpUrl(server, "/publish"), publish)).status).toBe(403);
    }
    await using any = await startChat(["--allow-origin", "*"]);
    await using _ = await ChatClient.join(any, { headers: { origin: "https://evil.example" } });
  });

  test("without the token, or with a wrong one, it is 401", async () => {
    await using server = await startChat(["--token", "right"]);
    expect(await refusal(server, "")).toEqual([401, "a token is needed"]);
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
    expect(await refusal(server, "", bearer("wrong"))).toEqual([401, "the token is wrong"]);
    expect((await refusal(server, "?token=right"))[0]).toBe(401);
    await expect(ChatClient.join(server)).rejects.toThrow();
    const wrong = `kv.token.${Buffer.from("wrong").toString("base64url")}`;
    await expect(ChatClient.join(server, { protocols: [wrong] })).rejects.toThrow();
    const right = `kv.token.${Buffer.from("right").toString("base64url")}`;
    await using page = await ChatClient.join(server, { isChat: true, protocols: [right] });
    expect(page.protocol).toBe("kv.chat.v1");
    await using raw = await ChatClient.join(server, { protocols: ["kv.raw.v1", right] });
    expect(raw.protocol).toBe("kv.raw.v1");
    await using program = await ChatClient.join(server, { headers: bearer("right") });
    program.send("in");
    expect(await raw.until(1)).toEqual(["in"]);
    // The same for the other routes that tell or change something.
    expect((await fetch(httpUrl(server, "/metrics"))).status).toBe(401);
    expect((await fetch(httpUrl(server, "/publish"), { method: "POST" })).status).toBe(401);
    expect((await fetch(httpUrl(server, "/healthz"))).status).toBe(200);
    expect(await metric(server, "clients", bearer("right"))).toBe(3);
  });

  test("names of rooms and people have a length, and characters", async () => {
    await using server = await startChat(["--threads", "1"]);
    const rooms = ["a", "x".repeat(64), "Zürich-2.0_~", "日本語"];
    const names = ["", "x".repeat(32), "Ada Lovelace", "O'Neil, Jr. <3", "👋".repeat(32)];
    for (const room of rooms) await (await ChatClient.join(server, { room })).until(0);
    for (const name of names) await (await ChatClient.join(server, { name })).until(0);
    expect(await metric(server, "clients")).toBe(rooms.length + names.length);
    const badRooms = ["", "x".repeat(65), "ü".repeat(33), "a b", "a/b", "a\n", "a\u200bb", "*"];
    for (const room of badRooms) {
      const [status, text] = await refusal(server, `?room=${encodeURIComponent(room)}`);
      expect([status, text.slice(0, 6)]).toEqual([400, "room: "]);
    }
    const badNames = ["x".repeat(33), " x", "x  y", "a\u0000", "a\u202eb", "\u200b"];
    for (const name of badNames) {
      const [status, text] = await refusal(server, `?name=${encodeURIComponent(name)}`);
      expect([status, text.slice(0, 6)]).toEqual([400, "name: "]);
    }
    expect((await refusal(server, "?history=-1"))[0]).toBe(400);
  });

  test("beyond --max-clients it is 503 before the upgrade, over all threads", async () => {
    await using server = await startChat(["--max-clients", "3", "--threads", "2"]);
    const clients = [];
    for (let i = 0; i < 3; i++) clients.push(await ChatClient.join(server));
    expect(await refusal(server, "")).toEqual([503, "too many clients (--max-clients)"]);
    await expect(ChatClient.join(server)).rejects.toThrow();
    await clients[0]?.[Symbol.asyncDispose]();
    await eventually(async () => (await metric(server, "clients")) === 2, "one has left");
    await using last = await ChatClient.join(server);
    last.send("in");
    expect(await clients[2]?.until(1)).toEqual(["in"]);
    expect((await refusal(server, ""))[0]).toBe(503);
  });

  test("beyond --max-rooms a new room is 503, those that are there stay open", async () => {
    await using server = await startChat(["--max-rooms", "2", "--threads", "1"]);
    await using _a = await ChatClient.join(server, { room: "a" });
    {
      await using _b = await ChatClient.join(server, { room: "b" });
      await using _again = await ChatClient.join(server, { room: "b" });
      expect(await refusal(server, "?room=c")).toEqual([503, "too many rooms (--max-rooms)"]);
    }
    await eventually(async () => (await metric(server, "rooms")) === 1, "b is empty");
    await using _c = await ChatClient.join(server, { room: "c" });
  });
});

describe("what they send", () => {
  test("a message above --max-payload closes with 1009, in one frame or in many", async () => {
    await using server = await startChat(["--max-payload", "64kb", "--threads", "1"]);
    await using other = await ChatClient.join(server, { history: 0 });
    const largest = Buffer.alloc(64 * KIB, "x");
    await using whole = await RawWebSocket.join(server, "?history=0");
    whole.send(frameOf(2, largest));
    await other.until(1);
    whole.send(frameOf(2, Buffer.alloc(64 * KIB + 1)));
    await eventually(() => whole.isClosed, "it is closed");
    expect(whole.closeCode).toBe(1009);
    await using parts = await RawWebSocket.join(server, "?history=0");
    parts.send(frameOf(2, Buffer.alloc(32 * KIB, "x"), false));
    parts.send(frameOf(0, Buffer.alloc(32 * KIB, "x")));
    await other.until(2);
    parts.send(frameOf(2, Buffer.alloc(32 * KIB), false));
    parts.send(frameOf(0, Buffer.alloc(32 * KIB), false));
    parts.send(frameOf(0, Buffer.alloc(1)));
    await eventually(() => parts.isClosed, "it is closed");
    expect(parts.closeCode).toBe(1009);
    // A length that is only announced reserves nothing.
    await using announced = await RawWebSocket.join(server, "?history=0");
    announced.send(Buffer.from([0x82, 0xff, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
    await eventually(() => announced.isClosed, "it is closed");
    expect(await closes(server, "payload")).toBe(3);
    expect(other.frames).toEqual([largest, largest]);
  });

  test("text that is no UTF-8 closes with 1007, what is no frame of a client too", async () => {
    await using server = await startChat(["--threads", "1"]);
    for (const [bytes, code] of [
      [frameOf(1, Buffer.from([0xff, 0xfe])), 1007],
      // Not masked.
      [Buffer.from([0x82, 0x01, 0x00]), 0],
      // A reserved opcode, and a continuation of nothing.
      [frameOf(3, Buffer.from("x")), 0],
      [frameOf(0, Buffer.from("x")), 0],
    ] as const) {
      await using client = await RawWebSocket.join(server);
      client.send(bytes);
      await eventually(() => client.isClosed, `it is closed: ${bytes.toString("hex")}`);
      if (code !== 0) expect(client.closeCode).toBe(code);
    }
    await using after = await ChatClient.join(server);
    after.send("fine");
    expect(await after.until(1)).toEqual(["fine"]);
  });

  test("kv.chat.v1: what is not its message closes with 1003", async () => {
    await using server = await startChat(["--threads", "1"]);
    for (const frame of ["hello", "null", '{"type":"message"}', "[]", Buffer.from("{}")]) {
      await using client = await ChatClient.join(server, { isChat: true });
      client.send(frame);
      expect(await client.untilClosed()).toBe(1003);
    }
    expect(await closes(server, "protocol")).toBe(5);
  });

  test("more than --rate-limit messages at once closes with 1008, and nobody else", async () => {
    await using server = await startChat(["--rate-limit", "100", "--threads", "2"]);
    await using other = await ChatClient.join(server);
    await using within = await ChatClient.join(server);
    for (let i = 0; i < 90; i++) within.send(`within ${i}`);
    await other.until(90);
    await using flooding = await ChatClient.join(server, { history: 0 });
    for (let i = 0; i < 5000; i++) flooding.send("flood");
    expect(await flooding.untilClosed()).toBe(1008);
    expect(flooding.closeReason).toBe("too many messages: see --rate-limit");
    // Of what it sent, at most one second's worth and what came meanwhile is passed on.
    other.send("still here");
    await eventually(() => other.frames.includes("still here"), "the other goes on");
    const floods = other.frames.filter((it) => it === "flood").length;
    expect(floods).toBeGreaterThanOrEqual(100);
    expect(floods).toBeLessThan(1000);
    expect(within.isClosed || other.isClosed).toBe(false);
    expect(await closes(server, "rate")).toBe(1);
  });

  test("bytes and pings count as well", async () => {
    await using server = await startChat(["--rate-limit", "100", "--threads", "1"]);
    await using heavy = await ChatClient.join(server, { history: 0 });
    for (let i = 0; i < 20; i++) heavy.send(Buffer.alloc(60 * KIB));
    expect(await heavy.untilClosed()).toBe(1008);
    await using pinging = await ChatClient.join(server, { history: 0 });
    for (let i = 0; i < 1000; i++) pinging.ping();
    expect(await pinging.untilClosed()).toBe(1008);
  });

  test("--rate-limit 0 lets everything through", async () => {
    await using server = await startChat(["--rate-limit", "0", "--threads", "1"]);
    await using client = await ChatClient.join(server);
    for (let i = 0; i < 20_000; i++) client.send("x");
    expect((await client.until(20_000)).length).toBe(20_000);
  });

  test("POST /publish has the same rate", async () => {
    await using server = await startChat(["--rate-limit", "10", "--threads", "1"]);
    await using _ = await ChatClient.join(server);
    const request = { method: "POST", body: '{"message":"x"}' };
    const statuses: number[] = [];
    for (let i = 0; i < 40; i++) {
      statuses.push((await fetch(httpUrl(server, "/publish"), request)).status);
    }
    expect(statuses.filter((it) => it === 200).length).toBeGreaterThanOrEqual(10);
    expect(statuses).toContain(429);
  });
});

describe("a client that does not read", () => {
  test("is closed at --max-backlog with 1013, memory stays bounded, others get all", async () => {
    const limits = ["--max-backlog", "1mb", "--rate-limit", "0", "--threads", "1"];
    await using server = await startChat([...limits, "--history", "0"]);
    await using reader = await ChatClient.join(server);
    await using stalled = await RawWebSocket.join(server);
    stalled.pause();
    const before = residentBytes(server.pid);
    const message = Buffer.alloc(64 * KIB, "x");
    let sent = 0;
    while ((await closes(server, "backlog")) === 0 && sent < 2000) {
      reader.send(message);
      sent++;
      await reader.until(sent);
    }
    expect(await closes(server, "backlog")).toBe(1);
    expect(reader.frames.length).toBe(sent);
    expect(residentBytes(server.pid) - before).toBeLessThan(96 * MIB);
    await eventually(async () => (await metric(server, "clients")) === 1, "it is gone");
    // It reads at last: all up to the end, and why.
    stalled.resume();
    await eventually(() => stalled.isClosed, "its connection has ended");
    expect(stalled.closeCode).toBe(1013);
    reader.send("still here");
    await reader.until(sent + 1);
  });

  test("one that is slow, but within --max-backlog, gets everything in order", async () => {
    await using server = await startChat(["--max-backlog", "16mb", "--rate-limit", "0"]);
    await using sender = await ChatClient.join(server);
    await using slow = await RawWebSocket.join(server);
    slow.pause();
    const message = Buffer.alloc(60 * KIB, "x");
    for (let i = 0; i < 200; i++) sender.send(message);
    await sender.until(200);
    await eventually(async () => (await metric(server, "backlog_bytes")) > MIB, "it is behind");
    slow.resume();
    // Each frame has a header of 4 bytes.
    const size = 200 * (60 * KIB + 4);
    await eventually(() => slow.received.length === size, "everything has arrived");
    expect(slow.isClosed).toBe(false);
  });

  test("the server stops in time although it does not", async () => {
    await using server = await startChat(["--threads", "1", "--rate-limit", "0"]);
    await using sender = await ChatClient.join(server);
    await using stalled = await RawWebSocket.join(server);
    stalled.pause();
    for (let i = 0; i < 200; i++) sender.send(Buffer.alloc(60 * KIB));
    await sender.until(200);
    const startMs = performance.now();
    expect(await server.stop()).toMatchObject({ exitCode: 0 });
    expect(performance.now() - startMs).toBeLessThan(2000);
  });
});
