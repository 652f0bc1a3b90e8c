/**
 * Resident memory per key, our server beside valkey-server and redis-server: `bun scripts/memory.ts
 * [--keys 1000000]`.
 *
 * Each server is started empty, its resident memory noted, the keys are set (16 bytes of key, 16
 * and then 128 of value), and the difference is divided by their number. Prints a Markdown table.
 */
import { readFileSync } from "node:fs";
import { option } from "./options.ts";
import { freePort, startServer, type TestServer } from "./servers.ts";

const KEY_SIZE = 16;

function residentBytes(pid: number): number {
  const line = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "latin1"));
  return Number(line?.[1]) * 1024;
}

/** Sets `count` keys in pipelines of 1000 and waits for every reply. */
async function fill(port: number, count: number, valueSize: number): Promise<void> {
  const value = "v".repeat(valueSize);
  let awaited = 0;
  let wake: () => void = () => {};
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data(_socket, chunk) {
        awaited -= chunk.length;
        if (awaited === 0) wake();
      },
    },
  });
  for (let first = 0; first < count; first += 1000) {
    let text = "";
    for (let i = first; i < Math.min(count, first + 1000); i++) {
      const key = String(i).padStart(KEY_SIZE, "k");
      text += `*3\r\n$3\r\nSET\r\n$${KEY_SIZE}\r\n${key}\r\n$${valueSize}\r\n${value}\r\n`;
      awaited += "+OK\r\n".length;
    }
    const replied = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const bytes = Buffer.from(text);
    for (let sent = 0; sent < bytes.length; ) {
      const taken = socket.write(bytes, sent, bytes.length - sent);
      if (taken < 0) throw new Error("the server has closed the connection");
      sent += taken;
      if (sent < bytes.length) await Bun.sleep(1);
    }
    await replied;
  }
  socket.end();
}

async function bytesPerKey(start: () => Promise<TestServer>, keys: number, valueSize: number) {
  const server = await start();
  try {
    // What a first connection costs is not the keys'.
    await fill(server.port, 1000, valueSize);
    const before = residentBytes(server.pid);
    await fill(server.port, keys, valueSize);
    return (residentBytes(server.pid) - before) / keys;
  } finally {
    server.stop();
  }
}

async function main(): Promise<void> {
  const keys = Number(option("keys", "1000000"));
  process.stdout.write("| key + value | kv | valkey-server | redis-server |\n|---|---|---|---|\n");
  for (const valueSize of [16, 128]) {
    const cells = [`${KEY_SIZE} + ${valueSize} B`];
    for (const name of ["kv", "valkey-server", "redis-server"] as const) {
      const bytes = await bytesPerKey(() => startServer(name, freePort()), keys, valueSize);
      cells.push(`${bytes.toFixed(0)} B`);
    }
    process.stdout.write(`| ${cells.join(" | ")} |\n`);
  }
}

await main();
