/**
 * Starting our server and real ones for the measuring scripts: in memory, on loopback, on one
 * thread unless it is said otherwise.
 */
import { readFileSync } from "node:fs";
import { spawnSync } from "bun";

export type ServerName = "kv" | "valkey-server" | "redis-server";

export interface TestServer {
  readonly name: ServerName;
  readonly port: number;
  readonly pid: number;
  stop(): void;
}

const CLOCK_TICKS_A_SECOND = 100;

/** User and system time of a process so far, in microseconds. */
export function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.split(" ") ?? [];
  return ((Number(fields[11]) + Number(fields[12])) * 1e6) / CLOCK_TICKS_A_SECOND;
}

/** A port that was free a moment ago. */
export function freePort(): number {
  const probe = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = probe;
  probe.stop(true);
  return port;
}

/**
 * Starts a server and waits until it answers. Throws when it does not. `binary`: what runs for
 * "kv"; `threads`: of "kv" only.
 */
export async function startServer(
  name: ServerName,
  port: number,
  binary = "./kv",
  threads = 1,
): Promise<TestServer> {
  const command =
    name === "kv"
      ? [
          ...binary.split(" "),
          ...["serve", "--port", String(port), "--threads", String(threads), "--persist", "off"],
        ]
      : [name, "--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  const child = Bun.spawn(command, { stdout: "ignore", stderr: "inherit" });
  for (let tries = 0; tries < 200; tries++) {
    const ping = spawnSync(["redis-cli", "-p", String(port), "ping"]);
    if (ping.stdout.toString().startsWith("PONG")) {
      return { name, port, pid: child.pid, stop: () => child.kill() };
    }
    await Bun.sleep(20);
  }
  child.kill("SIGKILL");
  throw new Error(`${name} does not answer on port ${port}`);
}
