/**
 * The server that `kv bench` starts itself when `--db kv` comes without a URL: the same executable,
 * a free loopback port, memory mode.
 *
 * It must never outlive the benchmark, however that ends. So the server runs under a shell that
 * holds a pipe from here:
 * when the pipe closes, because `stop` closed it or because this process is gone (even by SIGKILL),
 * the shell sends SIGTERM, and after STOP_SECONDS SIGKILL. Where there is no such shell (Windows),
 * an exit handler has to do.
 */
import { FatalError } from "../base/errors.ts";
import type { Endpoint } from "./drivers/resp-connection.ts";

/** More than the 2 s in which a server stops cleanly. */
const STOP_SECONDS = 5;

/**
 * Waits for the server and for the end of the pipe, whichever comes first; ends with the server's
 * exit code. Ctrl-C reaches the whole group: the shell must stay to see its server end.
 */
const KEEPER = `trap '' INT
exec 3<&0
"$@" 3<&- &
server=$!
{
  read -r _ <&3
  kill $server
  tries=0
  while kill -0 $server && [ $tries -lt ${STOP_SECONDS}0 ]; do sleep 0.1; tries=$((tries + 1)); done
  kill -9 $server
} >/dev/null 2>&1 &
keeper=$!
exec >/dev/null 3<&-
wait $server
status=$?
kill $keeper 2>/dev/null
exit $status`;

export interface OwnServer {
  endpoint: Endpoint;
  /** The command that it was started with, for the report. */
  command: string;
  /** Stops it and waits until it is gone. */
  stop(): Promise<void>;
}

/**
 * Starts a server by `selfCommand` (the command that runs this program) and waits until it is
 * ready; `threads` null leaves their number to the server. Throws FatalError with the server's own
 * words when it does not start.
 */
export async function startOwnServer(
  selfCommand: string[],
  threads: number | null,
): Promise<OwnServer> {
  const serve = ["serve", "--host", "127.0.0.1", "--port", "0", "--persist", "off"];
  if (threads !== null) serve.push("--threads", String(threads));
  const command = [...selfCommand, ...serve];
  const isWindows = process.platform === "win32";
  const child = Bun.spawn(
    isWindows ? command : ["/bin/sh", "-c", KEEPER, "kv-keeper", ...command],
    {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    },
  );
  if (isWindows) process.once("exit", () => child.kill());
  const stderr = new Response(child.stderr).text();
  const endpoint = await readyEndpoint(child.stdout);
  if (endpoint === null) {
    child.stdin.end();
    await child.exited;
    const words = (await stderr).trim().split("\n").slice(-3).join(" ");
    throw new FatalError(`Cannot start the server: ${words || "it ended without a word"}`);
  }
  return {
    endpoint,
    command: `kv ${serve.join(" ")}`,
    async stop() {
      if (isWindows) child.kill();
      child.stdin.end();
      await child.exited;
    },
  };
}

/**
 * Reads up to the ready line and returns its address; null when the output ends before. Reads the
 * rest and drops it.
 */
async function readyEndpoint(stdout: ReadableStream<Uint8Array>): Promise<Endpoint | null> {
  const reader = stdout.getReader();
  const decoder = new TextDecoder();
  let text = "";
  // A server must never wait for somebody to read its output.
  const drainRest = async () => {
    while (!(await reader.read()).done);
  };
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return null;
    text += decoder.decode(value, { stream: true });
    const endpoint = parseReadyLine(text);
    if (endpoint !== null) {
      void drainRest();
      return endpoint;
    }
  }
}

/** The address in the first whole line that says `ready`; null when there is none. */
export function parseReadyLine(text: string): Endpoint | null {
  for (const line of text.split("\n").slice(0, -1)) {
    const match = /\bready\b.*?([\w.]+|\[[\da-f:]+\]):(\d+)\b/i.exec(line);
    if (match !== null) return { host: match[1]!.replace(/[[\]]/g, ""), port: Number(match[2]) };
  }
  return null;
}
