/**
 * Fan-out of the chat server beside a plain broadcast of Bun.serve, in the same run.
 *
 *      bun scripts/ws-fan-out.ts [--clients 100] [--messages 100000] [--size 128] [--rounds 3]
 *                                [--threads 1]
 *      bun scripts/ws-fan-out.ts --connections 10000
 *
 * Every client sends its share as fast as it can, and everybody gets every message. What counts is
 * the deliveries per second from the first message to the last delivery, and the processor time of
 * the server for each. Rounds alternate; the ratio is that of the medians.
 *
 * With --connections: so many clients are held, memory per client is what the server has grown by,
 * and 10 messages to all of them must all arrive.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { median, memoryBytes, processorMs, startBroadcast, startChat } from "./ws-servers.ts";

const { values } = parseArgs({
  options: {
    clients: { type: "string", default: "100" },
    messages: { type: "string", default: "100000" },
    size: { type: "string", default: "128" },
    rounds: { type: "string", default: "3" },
    threads: { type: "string", default: "1" },
    connections: { type: "string", default: "0" },
  },
});

interface Round {
  readonly perSecond: number;
  readonly serverNs: number;
  readonly clientNs: number;
  readonly reach: number;
}

async function connect(url: string, onMessage: () => void): Promise<WebSocket> {
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  socket.onmessage = onMessage;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.onopen = () => resolve();
  socket.onerror = () => reject(new Error(`cannot connect to ${url}`));
  await promise;
  return socket;
}

async function fanOut(url: string, pid: number, room: string): Promise<Round> {
  const [clients, messages, size] = [values.clients, values.messages, values.size].map(Number) as [
    number,
    number,
    number,
  ];
  const share = Math.ceil(messages / clients);
  const expected = share * clients * clients;
  let received = 0;
  const done = Promise.withResolvers<void>();
  const sockets = await Promise.all(
    Array.from({ length: clients }, () =>
      connect(`${url}?room=${room}&history=0`, () => {
        if (++received === expected) done.resolve();
      }),
    ),
  );
  const payload = Buffer.alloc(size, "x");
  const [serverMs, clientMs, startNs] = [processorMs(pid), processorMs("self"), Bun.nanoseconds()];
  for (let i = 0; i < share; i++) for (const socket of sockets) socket.send(payload);
  const isClosed = Promise.race(
    sockets.map((socket) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      socket.onclose = () => resolve();
      return promise;
    }),
  );
  await Promise.race([done.promise, isClosed, Bun.sleep(120_000)]);
  const seconds = (Bun.nanoseconds() - startNs) / 1e9;
  const round = {
    perSecond: received / seconds,
    serverNs: ((processorMs(pid) - serverMs) * 1e6) / received,
    clientNs: ((processorMs("self") - clientMs) * 1e6) / received,
    reach: received / expected,
  };
  for (const socket of sockets) socket.close();
  return round;
}

async function compareFanOut(): Promise<void> {
  const servers = [await startBroadcast(), await startChat(["--threads", values.threads])];
  const rounds: Round[][] = servers.map(() => []);
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [index, { name, url, pid }] of servers.entries()) {
      const result = await fanOut(url, pid, `round${round}`);
      rounds[index]?.push(result);
      const { perSecond, serverNs, clientNs, reach } = result;
      console.log(
        `${name.padEnd(12)} ${(perSecond / 1e6).toFixed(2)} M deliveries/s  ` +
          `server ${serverNs.toFixed(0)} ns  clients ${clientNs.toFixed(0)} ns  ` +
          `reach ${(reach * 100).toFixed(3)} %  resident ${(memoryBytes(pid) / 1e6).toFixed(0)} MB`,
      );
    }
  }
  for (const server of servers) server.stop();
  const [plain, chat] = rounds.map((it) => median(it.map((round) => round.perSecond)));
  console.log(`ratio of medians: ${((chat as number) / (plain as number)).toFixed(2)}`);
}

/** The clients share a few addresses of loopback: one has 28,000 ports for them at the most. */
async function holdConnections(count: number): Promise<void> {
  const limits = readFileSync("/proc/self/limits", "latin1");
  console.log(`open files: ${/^Max open files\s+(\S+)/m.exec(limits)?.[1]}`);
  const server = await startChat(["--threads", values.threads, "--max-clients", `${count}`]);
  const before = memoryBytes(server.pid);
  let received = 0;
  const sockets: WebSocket[] = [];
  const startNs = Bun.nanoseconds();
  while (sockets.length < count) {
    const batch = Array.from({ length: Math.min(200, count - sockets.length) }, () =>
      connect(`${server.url}?history=0`, () => received++),
    );
    sockets.push(...(await Promise.all(batch)));
  }
  const seconds = (Bun.nanoseconds() - startNs) / 1e9;
  console.log(`${count} connections in ${seconds.toFixed(1)} s`);
  await Bun.sleep(2000);
  const idle = memoryBytes(server.pid);
  console.log(`memory per connection: ${((idle - before) / count / 1024).toFixed(2)} KiB`);
  const messages = 10;
  for (let i = 0; i < messages; i++) sockets[i]?.send(Buffer.alloc(128));
  for (let tries = 0; received < count * messages && tries < 600; tries++) await Bun.sleep(50);
  console.log(`${messages} messages to all: ${received} of ${count * messages} deliveries`);
  const after = memoryBytes(server.pid);
  console.log(`after it: ${((after - before) / count / 1024).toFixed(2)} KiB per connection`);
  server.stop();
}

if (values.connections === "0") await compareFanOut();
else await holdConnections(Number(values.connections));
process.exit(0);
