/**
 * What the others notice of a client that never reads, and of one that floods: latency from sending
 * to each of them, without and with it, in the same run; and the server's memory.
 *
 *      bun scripts/ws-stalled.ts [--clients 20] [--seconds 5] [--rate 200] [--size 16384]
 *
 * One client sends at a steady rate, every message with the time it was due; the others note how
 * long it took. The server has --max-backlog 4mb, so that the client that does not read meets it.
 */
import { parseArgs } from "node:util";
import { median, memoryBytes, startChat } from "./ws-servers.ts";

const { values } = parseArgs({
  options: {
    clients: { type: "string", default: "20" },
    seconds: { type: "string", default: "5" },
    rate: { type: "string", default: "200" },
    size: { type: "string", default: "16384" },
  },
});
const [clientsCount, seconds, rate, size] = [
  values.clients,
  values.seconds,
  values.rate,
  values.size,
].map(Number) as [number, number, number, number];

async function join(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url);
  socket.binaryType = "nodebuffer";
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.onopen = () => resolve();
  await promise;
  return socket;
}

/** A client in bytes, which joins and then does not read. */
async function joinStalled(port: number, room: string): Promise<void> {
  await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      open(socket) {
        socket.write(
          `GET /ws?room=${room} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n` +
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        );
      },
      data(socket) {
        socket.pause();
      },
    },
  });
}

/** Latencies in ms, sorted. */
async function measure(url: string, room: string): Promise<number[]> {
  const latencies: number[] = [];
  const sockets = await Promise.all(
    Array.from({ length: clientsCount }, () => join(`${url}?room=${room}&history=0`)),
  );
  for (const socket of sockets) {
    socket.onmessage = (event) => {
      const sentNs = Number((event.data as Buffer).readDoubleLE(0));
      if (sentNs > 0) latencies.push((Bun.nanoseconds() - sentNs) / 1e6);
    };
  }
  const message = Buffer.alloc(size);
  const startNs = Bun.nanoseconds();
  for (let i = 0; i < rate * seconds; i++) {
    const dueNs = startNs + (i / rate) * 1e9;
    while (Bun.nanoseconds() < dueNs) await Bun.sleep(1);
    message.writeDoubleLE(dueNs, 0);
    sockets[0]?.send(message);
  }
  const expected = rate * seconds * clientsCount;
  for (let tries = 0; latencies.length < expected && tries < 200; tries++) await Bun.sleep(20);
  console.log(`  ${latencies.length} of ${expected} deliveries`);
  for (const socket of sockets) socket.close();
  return latencies.sort((a, b) => a - b);
}

function p99(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length * 0.99)] as number;
}

const server = await startChat(["--threads", "1", "--max-backlog", "4mb", "--history", "0"]);
const port = Number(new URL(server.url).port);
const results: Record<string, number[]> = { alone: [], stalled: [], flooded: [] };
const before = memoryBytes(server.pid);
for (let round = 0; round < 3; round++) {
  for (const kind of ["alone", "stalled", "flooded"]) {
    const room = `${kind}${round}`;
    if (kind === "stalled") await joinStalled(port, room);
    const flooding = kind === "flooded" ? await join(`${server.url}?room=flood${round}`) : null;
    const timer = setInterval(() => {
      for (let i = 0; i < 2000 && flooding?.readyState === WebSocket.OPEN; i++) {
        flooding.send("x".repeat(1000));
      }
    }, 100);
    console.log(kind);
    const sorted = await measure(server.url, room);
    clearInterval(timer);
    results[kind]?.push(p99(sorted));
    const mb = ((memoryBytes(server.pid) - before) / 1e6).toFixed(0);
    console.log(`  p50 ${(sorted[sorted.length >> 1] as number).toFixed(2)} ms`);
    console.log(`  p99 ${p99(sorted).toFixed(2)} ms, memory +${mb} MB`);
  }
}
const alone = median(results.alone as number[]);
for (const kind of ["stalled", "flooded"]) {
  const ratio = median(results[kind] as number[]) / alone;
  console.log(`p99 ${kind} / alone, medians: ${ratio.toFixed(2)}`);
}
const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
console.log(metrics.split("\n").filter((it) => /closes_total.*[1-9]$/.test(it)));
server.stop();
process.exit(0);
