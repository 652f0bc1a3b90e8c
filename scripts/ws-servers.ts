/**
 * What scripts/ws-fan-out.ts measures: the chat server of ./kv, and the plainest broadcast that
 * Bun.serve can do, each in a process of its own; and what a process has used.
 */
import { readFileSync } from "node:fs";

export interface ChatProcess {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
  stop(): void;
}

/** Everybody is in one topic, and what anybody says goes there: 30 lines, no limit, no check. */
const BROADCAST = `
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch(request, server) {
    return server.upgrade(request) ? undefined : new Response("", { status: 426 });
  },
  websocket: {
    perMessageDeflate: false,
    open(socket) {
      socket.subscribe("all");
    },
    message(_socket, said) {
      server.publish("all", said);
    },
    close() {},
  },
});
process.stdout.write("ready on 127.0.0.1:" + server.port + " \\n");
`;

export function startBroadcast(): Promise<ChatProcess> {
  return start("Bun.serve", [process.execPath, "-e", BROADCAST]);
}

export function startChat(args: readonly string[]): Promise<ChatProcess> {
  const command = ["./kv", "ws-server", "--host", "127.0.0.1", "--port", "0", ...args];
  return start("kv ws-server", command);
}

async function start(name: string, command: string[]): Promise<ChatProcess> {
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "inherit" });
  let output = "";
  for await (const chunk of child.stdout) {
    output += Buffer.from(chunk).toString();
    const port = /ready.*:(\d+)\b.*\n/.exec(output)?.[1];
    if (port === undefined) continue;
    const url = `ws://127.0.0.1:${port}/ws`;
    return { name, url, pid: child.pid, stop: () => child.kill() };
  }
  throw new Error(`${name} ended: ${output}`);
}

/** Resident memory of a process, bytes. */
export function memoryBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) * 1024;
}

/** Processor time of a process, user and system, ms. */
export function processorMs(pid: number | "self"): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] as number;
}
