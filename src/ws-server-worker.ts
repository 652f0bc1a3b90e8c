/**
 * A Worker of `kv ws-server`: a ChatServer, from start to stop. An exception that nobody catches
 * ends the Worker and, by ws-server.ts, the process.
 */
import { FatalError, reasonOf } from "./base/errors.ts";
import { ChatServer } from "./chat/server.ts";
import { joinPort } from "./net/peer-address.ts";
import type { FromChatWorker, ToChatWorker } from "./ws-messages.ts";

declare const self: Worker & { postMessage(message: FromChatWorker): void };

let server: ChatServer | null = null;

// Bun lets a Worker live on after one; here it is as much a bug as an exception.
process.on("unhandledRejection", (reason) => {
  throw reason;
});

self.onmessage = (event: MessageEvent<ToChatWorker>) => {
  const message = event.data;
  if (message.type === "start") start(message);
  else void stop(message.graceMs);
};

function start({ plan, worker, port, peers }: ToChatWorker & { type: "start" }): void {
  server = new ChatServer(
    plan,
    worker,
    peers.map((end) => ({ ...end, taken: new Int32Array(end.taken) })),
  );
  try {
    // Where the kernel does not spread connections, the first Worker takes them all.
    if (worker === 0 || plan.isSpread) server.listen(port);
    self.postMessage({ type: "listening", port: server.port });
  } catch (error) {
    const { message, hint } = cannotListen(joinPort(plan.settings.host, port), error);
    self.postMessage({ type: "failed", message, hint });
  }
}

async function stop(graceMs: number): Promise<void> {
  await server?.stop(graceMs);
  self.postMessage({ type: "stopped" });
}

function cannotListen(address: string, error: unknown): FatalError {
  const isTaken = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
  const reason = isTaken ? "port in use" : reasonOf(error);
  return new FatalError(
    `Cannot listen on ${address}: ${reason}`,
    isTaken ? "another server runs there; stop it, or choose another --port" : undefined,
  );
}
