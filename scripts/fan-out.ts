/**
 * Pub/sub fan-out, our server beside valkey-server and redis-server: one publisher, many
 * subscribers, every delivery checked.
 *
 *     bun scripts/fan-out.ts [--rounds 5] [--messages 100000] [--subscribers 50] [--size 128]
 *     [--depth 64] [--threads 2,1] [--servers valkey-server,redis-server] [--out result.json]
 *
 * All servers run for the whole time, in memory, on free loopback ports; rounds are interleaved and
 * the medians are compared. The publisher sends PUBLISH in pipelines of --depth, at most four of
 * them unanswered, and stays at most LAG_MAX messages ahead of the slowest subscriber, so that no
 * server has a reason to cut anybody off. A round ends when every subscriber has every message. A
 * message carries its number: a missing one, one out of order, or a wrong receiver count ends the
 * script with exit code 1. Processor time is what the kernel says each server's process used.
 *
 * One load process receives everything; when its core is full, the rates of all servers are its own
 * limit, and the processor time per delivery is what tells them apart.
 */
import { writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { spawnSync } from "bun";
import { median, option } from "./options.ts";
import { cpuOf, freePort, type ServerName, startServer, type TestServer } from "./servers.ts";

const CHANNEL = "fan-out";
const LAG_MAX = 8192;
const PIPELINES_MAX = 4;
const DIGITS = 9;

interface Shape {
  readonly messages: number;
  readonly subscribers: number;
  readonly size: number;
  readonly depth: number;
}

interface Sample {
  readonly label: string;
  readonly deliveriesPerSecond: number;
  readonly cpuMicroseconds: number;
  readonly loadBusy: number;
}

function fail(why: string): never {
  process.stderr.write(`${why}\n`);
  process.exit(1);
}

/** A subscriber's connection: counts messages and checks their numbers. */
class Subscriber {
  received = 0;
  readonly #frame: Buffer;
  readonly #numberAt: number;
  readonly #rest: Buffer;
  #restLength = 0;
  #socket: Bun.Socket | undefined;
  #whenConfirmed: (() => void) | null = null;
  readonly #progress: () => void;

  constructor(size: number, progress: () => void) {
    const head = `*3\r\n$7\r\nmessage\r\n$${CHANNEL.length}\r\n${CHANNEL}\r\n$${size}\r\n`;
    this.#frame = Buffer.from(`${head}${"x".repeat(size)}\r\n`);
    this.#numberAt = head.length;
    this.#rest = Buffer.alloc(this.#frame.length * 2);
    this.#progress = progress;
  }

  async connect(port: number): Promise<void> {
    const confirmed = new Promise<void>((resolve) => {
      this.#whenConfirmed = resolve;
    });
    this.#socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        data: (_, chunk) => this.#data(chunk),
        close: () => fail("a subscriber was closed"),
      },
    });
    this.#socket.write(`SUBSCRIBE ${CHANNEL}\r\n`);
    await confirmed;
  }

  #data(chunk: Buffer): void {
    if (this.#whenConfirmed !== null) {
      this.#whenConfirmed();
      this.#whenConfirmed = null;
      return;
    }
    const size = this.#frame.length;
    let at = 0;
    if (this.#restLength > 0) {
      at = Math.min(size - this.#restLength, chunk.length);
      chunk.copy(this.#rest, this.#restLength, 0, at);
      this.#restLength += at;
      if (this.#restLength < size) return;
      this.#check(this.#rest, 0);
      this.#restLength = 0;
    }
    for (; at + size <= chunk.length; at += size) this.#check(chunk, at);
    this.#restLength = chunk.length - at;
    chunk.copy(this.#rest, 0, at);
    this.#progress();
  }

  #check(bytes: Buffer, at: number): void {
    let number = 0;
    const start = at + this.#numberAt;
    for (let i = 0; i < DIGITS; i++) number = number * 10 + (bytes[start + i] as number) - 48;
    if (number !== this.received) fail(`message ${number} came where ${this.received} had to`);
    this.received++;
  }

  close(): void {
    this.#socket?.reload({ socket: { data() {} } });
    this.#socket?.end();
  }
}

/** Publishes in pipelines, and checks that every reply names all subscribers. */
class Publisher {
  readonly #shape: Shape;
  readonly #slowest: () => number;
  readonly #reply: Buffer;
  #socket: Bun.Socket | undefined;
  #sent = 0;
  #answeredBytes = 0;
  #unsent: Buffer = Buffer.alloc(0);

  constructor(shape: Shape, slowest: () => number) {
    this.#shape = shape;
    this.#slowest = slowest;
    this.#reply = Buffer.from(`:${shape.subscribers}\r\n`);
  }

  async connect(port: number): Promise<void> {
    this.#socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: { data: (_, chunk) => this.#data(chunk), drain: () => this.#flush() },
    });
  }

  #data(chunk: Buffer): void {
    const reply = this.#reply;
    for (let i = 0; i < chunk.length; i++) {
      const expected = reply[(this.#answeredBytes + i) % reply.length];
      if (chunk[i] !== expected) fail(`a reply is not ${reply.toString().trim()}`);
    }
    this.#answeredBytes += chunk.length;
    this.go();
  }

  /** Sends as much as may be under way. */
  go(): void {
    const { messages, depth } = this.#shape;
    for (;;) {
      const answered = Math.floor(this.#answeredBytes / this.#reply.length);
      if (this.#unsent.length > 0 || this.#sent >= messages) return;
      if (this.#sent - answered > (PIPELINES_MAX - 1) * depth) return;
      if (this.#sent - this.#slowest() > LAG_MAX) return;
      const count = Math.min(depth, messages - this.#sent);
      this.#unsent = this.#encode(this.#sent, count);
      this.#sent += count;
      this.#flush();
    }
  }

  #encode(first: number, count: number): Buffer {
    const { size } = this.#shape;
    const head = `*3\r\n$7\r\nPUBLISH\r\n$${CHANNEL.length}\r\n${CHANNEL}\r\n$${size}\r\n`;
    const filler = "x".repeat(size - DIGITS);
    let text = "";
    for (let i = first; i < first + count; i++) {
      text += `${head}${String(i).padStart(DIGITS, "0")}${filler}\r\n`;
    }
    return Buffer.from(text, "latin1");
  }

  #flush(): void {
    const taken = this.#socket?.write(this.#unsent) ?? 0;
    if (taken > 0) this.#unsent = this.#unsent.subarray(taken);
  }

  close(): void {
    this.#socket?.end();
  }
}

async function measure(label: string, server: TestServer, shape: Shape): Promise<Sample> {
  const finished = Promise.withResolvers<void>();
  const subscribers: Subscriber[] = [];
  const slowest = () => subscribers.reduce((min, s) => Math.min(min, s.received), shape.messages);
  const publisher = new Publisher(shape, slowest);
  let progressed = false;
  // Once per turn of the event loop, not per chunk: looking for the slowest costs a walk.
  const progress = () => {
    if (progressed) return;
    progressed = true;
    setImmediate(() => {
      progressed = false;
      if (slowest() === shape.messages) finished.resolve();
      else publisher.go();
    });
  };
  for (let i = 0; i < shape.subscribers; i++) {
    const subscriber = new Subscriber(shape.size, progress);
    await subscriber.connect(server.port);
    subscribers.push(subscriber);
  }
  await publisher.connect(server.port);
  const [cpuBefore, ownBefore, startNs] = [
    cpuOf(server.pid),
    process.cpuUsage(),
    Bun.nanoseconds(),
  ];
  publisher.go();
  await finished.promise;
  const seconds = (Bun.nanoseconds() - startNs) / 1e9;
  const own = process.cpuUsage(ownBefore);
  const cpu = cpuOf(server.pid) - cpuBefore;
  for (const subscriber of subscribers) subscriber.close();
  publisher.close();
  const deliveries = shape.messages * shape.subscribers;
  return {
    label,
    deliveriesPerSecond: deliveries / seconds,
    cpuMicroseconds: cpu / deliveries,
    loadBusy: (own.user + own.system) / 1e6 / seconds,
  };
}

function print(samples: readonly Sample[], labels: readonly string[]): void {
  const of = (label: string, field: "deliveriesPerSecond" | "cpuMicroseconds" | "loadBusy") =>
    median(samples.filter((s) => s.label === label).map((s) => s[field]));
  const base = labels.find((label) => !label.startsWith("kv")) ?? (labels[0] as string);
  process.stdout.write(
    `| server | deliveries/s | of ${base} | processor ns a delivery | of ${base} `,
  );
  process.stdout.write("| load process busy |\n|---|---|---|---|---|---|\n");
  for (const label of labels) {
    const rate = of(label, "deliveriesPerSecond");
    const cpu = of(label, "cpuMicroseconds");
    const cells = [
      label,
      `${(rate / 1e6).toFixed(2)} M`,
      (rate / of(base, "deliveriesPerSecond")).toFixed(2),
      (cpu * 1000).toFixed(0),
      (cpu / of(base, "cpuMicroseconds")).toFixed(2),
      `${(of(label, "loadBusy") * 100).toFixed(0)} %`,
    ];
    process.stdout.write(`| ${cells.join(" | ")} |\n`);
  }
}

async function main(): Promise<void> {
  const rounds = Number(option("rounds", "5"));
  const shape: Shape = {
    messages: Number(option("messages", "100000")),
    subscribers: Number(option("subscribers", "50")),
    size: Number(option("size", "128")),
    depth: Number(option("depth", "64")),
  };
  const servers = new Map<string, TestServer>();
  const samples: Sample[] = [];
  try {
    for (const threads of option("threads", "2,1").split(",")) {
      const binary = option("binary", "./kv");
      const server = await startServer("kv", freePort(), binary, Number(threads));
      servers.set(`kv, ${threads} thread${threads === "1" ? "" : "s"}`, server);
    }
    for (const name of option("servers", "valkey-server,redis-server").split(",")) {
      servers.set(name, await startServer(name as ServerName, freePort()));
    }
    // The first round warms up, the load as well as the servers.
    for (let round = 0; round <= rounds; round++) {
      for (const [label, server] of servers) {
        const sample = await measure(label, server, shape);
        if (round > 0) samples.push(sample);
      }
    }
  } finally {
    for (const server of servers.values()) server.stop();
  }
  const versions = spawnSync(["valkey-server", "--version"]).stdout.toString().trim();
  const { messages, subscribers, size, depth } = shape;
  process.stdout.write(
    `${versions}; ${cpus().length} x ${cpus()[0]?.model}, Linux ${release()}\n` +
      `${messages} messages of ${size} B to ${subscribers} subscribers, pipelines of ${depth}, ` +
      `medians of ${rounds} rounds; none lost, none out of order, every count right\n\n`,
  );
  print(samples, [...servers.keys()]);
  const out = option("out", "");
  if (out !== "") {
    writeFileSync(out, `${JSON.stringify({ versions, rounds, shape, samples }, null, 1)}\n`);
  }
}

await main();
