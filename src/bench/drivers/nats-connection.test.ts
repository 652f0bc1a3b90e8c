/** The raw NATS client against a scripted server: split at every byte, logins, errors. */
import { expect, test } from "bun:test";
import { eventually } from "../../../test/harness.ts";
import { NatsConnection, parseNatsUrl } from "./nats-connection.ts";

const INFO = 'INFO {"version":"2.9.10","max_payload":1024}\r\n';

/**
 * A TCP server that sends INFO, then for each PING a PONG behind what `script` says to the lines so
 * far; in pieces of `pieceSize` bytes.
 */
function startServer(info: string, script: (lines: string) => string, pieceSize = 1e9) {
  const state = { received: "" };
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open: (socket) => void socket.write(info),
      data(socket, bytes) {
        state.received += bytes.toString();
        if (!state.received.endsWith("PING\r\n")) return;
        const answer = Buffer.from(script(state.received));
        for (let at = 0; at < answer.length; at += pieceSize) {
          socket.write(answer.subarray(at, at + pieceSize));
          socket.flush();
        }
      },
    },
  });
  return { port: listener.port, state, stop: () => listener.stop(true) };
}

function handlerOf(events: string[]) {
  return {
    onRead() {},
    onMessage: (bytes: Buffer, at: number, size: number) =>
      void events.push(bytes.toString("latin1", at, at + size)),
    onPong: () => void events.push("PONG"),
    onWritable() {},
    onErrorReply: (text: string) => void events.push(`error ${text}`),
    onLost: (reason: string) => void events.push(`lost ${reason}`),
  };
}

test("parseNatsUrl() takes host, port and credentials, with the defaults of NATS", () => {
  expect(parseNatsUrl("nats://a:b%40@host:1")).toEqual({
    ...{ host: "host", port: 1, user: "a", password: "b@" },
  });
  expect(parseNatsUrl("127.0.0.1")).toMatchObject({ host: "127.0.0.1", port: 4222, user: "" });
});

test("NatsConnection logs in, subscribes and reads messages, whatever the pieces", async () => {
  for (const pieceSize of [1, 3, 7, 1000]) {
    const events: string[] = [];
    const script = (lines: string) =>
      lines.includes("SUB") ? "PONG\r\nMSG bench.s 1 3\r\nabc\r\nPING\r\n" : "PONG\r\n";
    const server = startServer(INFO, script, pieceSize);
    const url = parseNatsUrl(`nats://token@127.0.0.1:${server.port}`);
    const connection = await NatsConnection.connect(url, "bench.s", handlerOf(events));
    expect(connection.info).toMatchObject({ version: "2.9.10", messageSizeMax: 1024 });
    // The server's own PING is answered.
    await eventually(() => !!server.state.received.endsWith("PONG\r\n"), "it has come");
    expect(events).toEqual(["abc"]);
    const [connect = "", ...others] = server.state.received.split("\r\n");
    expect(JSON.parse(connect.replace("CONNECT ", ""))).toMatchObject({
      ...{ verbose: false, auth_token: "token" },
    });
    expect(others).toEqual(["PING", "SUB bench.s 1", "PING", "PONG", ""]);
    connection.close();
    server.stop();
  }
});

test("NatsConnection says why it cannot be set up", async () => {
  const cases: [info: string, answer: string, reason: string][] = [
    [INFO, "-ERR 'Authorization Violation'\r\n", "nats: Authorization Violation"],
    ['INFO {"tls_required":true}\r\n', "", "it wants TLS, which is not supported"],
    ["INFO {\r\n", "", "it does not speak NATS"],
  ];
  for (const [info, answer, reason] of cases) {
    const server = startServer(info, () => answer);
    const url = parseNatsUrl(`127.0.0.1:${server.port}`);
    const failed = await NatsConnection.connect(url, null, handlerOf([])).catch(String);
    expect(failed).toContain(reason);
    server.stop();
  }
});

test("NatsConnection gives errors and the end of the connection to its handler", async () => {
  const events: string[] = [];
  const script = (lines: string) =>
    lines.split("PING").length > 2 ? "-ERR 'Slow Consumer'\r\n" : "PONG\r\n";
  const server = startServer(INFO, script);
  const url = parseNatsUrl(`127.0.0.1:${server.port}`);
  const connection = await NatsConnection.connect(url, null, handlerOf(events));
  connection.write("PING\r\n");
  await eventually(() => !(events.length < 1), "it has come");
  server.stop();
  await eventually(() => !(events.length < 2), "it has come");
  expect(events).toEqual([
    "error Slow Consumer",
    "lost the server closed the connection (Slow Consumer)",
  ]);
});
