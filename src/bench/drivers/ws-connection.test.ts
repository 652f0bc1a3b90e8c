/** The WebSocket client against servers that answer byte by byte, wrongly, or not at all. */
import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { eventually } from "../../../test/harness.ts";
import { serverFrame } from "./stream-reader.fuzz.ts";
import { parseWsUrl, WsConnection } from "./ws-connection.ts";
import { Opcode } from "./ws-frames.ts";

interface Received {
  requests: string;
  frames: Buffer;
}

/** A TCP server that answers the handshake by `answer` (given its key) and collects the rest. */
function startServer(answer: (key: string) => Buffer[]) {
  const received: Received = { requests: "", frames: Buffer.alloc(0) };
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data(socket, bytes) {
        if (received.requests !== "") {
          received.frames = Buffer.concat([received.frames, bytes]);
          return;
        }
        received.requests = bytes.toString();
        const key = /Sec-WebSocket-Key: (\S+)/.exec(received.requests)?.[1] ?? "";
        for (const piece of answer(key)) {
          socket.write(piece);
          socket.flush();
        }
      },
    },
  });
  return { port: listener.port, received, stop: () => listener.stop(true) };
}

function upgradeOf(key: string, changes = ""): Buffer {
  const accept = createHash("sha1")
    .update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest("base64");
  const fields = `Upgrade: websocket\r\nSec-WebSocket-Accept:${accept}${changes}`;
  return Buffer.from(`HTTP/1.1 101 Switching Protocols\r\n${fields}\r\n\r\n`);
}

/** Opens a connection; resolves with its first message and with why it was lost. */
async function open(port: number, timeoutMs = 5000) {
  const message = Promise.withResolvers<string>();
  const lost = Promise.withResolvers<string>();
  const url = parseWsUrl(`ws://me:secret@127.0.0.1:${port}/ws?room=x`);
  const connection = await WsConnection.open(url, undefined, timeoutMs, {
    onRead() {},
    onMessage: (bytes, at, size) => message.resolve(bytes.toString("latin1", at, at + size)),
    onWritable() {},
    onLost: lost.resolve,
  });
  return { connection, message: message.promise, lost: lost.promise };
}

test("parseWsUrl() takes a URL apart", () => {
  expect(parseWsUrl("ws://[::1]:81/ws?a=b")).toEqual({
    ...{ host: "::1", port: 81, path: "/ws?a=b", authority: "[::1]:81", credentials: "" },
  });
  expect(parseWsUrl("example.org")).toMatchObject({ host: "example.org", port: 80, path: "/" });
});

test("WsConnection upgrades, and takes frames that come with the answer", async () => {
  const hello = serverFrame(Opcode.Binary, true, Buffer.from("hello"));
  const server = startServer((key) => [Buffer.concat([upgradeOf(key), hello])]);
  const { connection, message } = await open(server.port);
  expect(await message).toBe("hello");
  expect(server.received.requests).toStartWith("GET /ws?room=x HTTP/1.1\r\nHost: 127.0.0.1:");
  expect(server.received.requests).toContain("\r\nAuthorization: Basic bWU6c2VjcmV0\r\n");
  connection.close();
  server.stop();
});

test("WsConnection reads an answer that comes byte by byte", async () => {
  const server = startServer((key) => {
    const bytes = [upgradeOf(key), serverFrame(Opcode.Text, true, Buffer.from("x"))];
    return [...Buffer.concat(bytes)].map((byte) => Buffer.of(byte));
  });
  const { connection, message } = await open(server.port);
  expect(await message).toBe("x");
  connection.close();
  server.stop();
});

test("WsConnection answers a ping, masked, and gives the code of a close", async () => {
  const ping = serverFrame(Opcode.Ping, true, Buffer.from("abc"));
  const close = serverFrame(Opcode.Close, true, Buffer.from("\x03\xf0policy", "latin1"));
  const server = startServer((key) => [Buffer.concat([upgradeOf(key), ping, close])]);
  const { lost } = await open(server.port);
  // It answers both; this side then ends the connection, as a server does.
  await eventually(() => !(server.received.frames.length < 9 + 8), "it has come");
  const { frames } = server.received;
  expect(frames.toString("hex", 0, 2)).toBe("8a83");
  const pong = [0, 1, 2].map((i) => frames[6 + i]! ^ frames[2 + i]!);
  expect(Buffer.from(pong).toString()).toBe("abc");
  expect(frames.toString("hex", 9, 11)).toBe("8882");
  server.stop();
  expect(await lost).toBe('the server closed the connection (close code 1008, "policy")');
});

test("WsConnection says what is wrong with an answer", async () => {
  const cases: [answer: (key: string) => Buffer[], reason: string][] = [
    [() => [Buffer.from("HTTP/1.1 403 Forbidden\r\n\r\n")], 'answered "HTTP/1.1 403 Forbidden"'],
    [(key) => [upgradeOf(key, "x")], "its Sec-WebSocket-Accept is wrong"],
    [() => [Buffer.alloc(70_000, "x")], "its answer is no HTTP"],
    [() => [], "no answer to the handshake for 50 ms"],
  ];
  for (const [answer, reason] of cases) {
    const server = startServer(answer);
    expect(open(server.port, 50)).rejects.toThrow(reason);
    await open(server.port, 50).catch(() => {});
    server.stop();
  }
});

test("WsConnection is lost when the stream is malformed", async () => {
  const server = startServer((key) => [
    Buffer.concat([upgradeOf(key), Buffer.from([0xff, 0xff, 0xff])]),
  ]);
  const { lost } = await open(server.port);
  expect(await lost).toBe("it does not speak WebSocket: a frame with reserved bits");
  server.stop();
});
