/**
 * Listening sockets: from an address to Connections.
 *
 * Every serving Worker listens on the same port with SO_REUSEPORT, and the kernel spreads new
 * connections over them (400 connections over four Workers: 103, 113, 87, 97). The flag would also
 * let a second server of the same user join in silently, so the first thing that `kv serve` does is
 * `probe`, which asks for the address without it.
 *
 * A handler that throws has found a bug of ours: nothing catches it, the Worker dies, and the
 * process with it.
 */
import type { TCPSocketListener, UnixSocketListener } from "bun";
import { FatalError, reasonOf } from "../base/errors.ts";
import type { Connection } from "./connection.ts";
import type { Connections } from "./connections.ts";
import { joinPort } from "./peer-address.ts";

/** Whether the kernel spreads the connections of one port over the sockets that listen on it. */
export const SPREADS_CONNECTIONS = process.platform === "linux";

export type Listener = TCPSocketListener<Connection | null> | UnixSocketListener<Connection | null>;

/**
 * Listens on a TCP address, together with the other Workers; port 0 takes a free one. Throws
 * FatalError.
 */
export function listenTcp(
  connections: Connections,
  hostname: string,
  port: number,
): TCPSocketListener<Connection | null> {
  const options = {
    hostname,
    port,
    // Missing from the types of Bun 1.4.5.
    reusePort: SPREADS_CONNECTIONS,
    allowHalfOpen: true,
    socket: handlersFor(connections, ""),
  };
  try {
    return Bun.listen<Connection | null>(options);
  } catch (error) {
    throw cannotListen(joinPort(hostname, port), error);
  }
}

/**
 * Listens on a Unix socket. The file must not exist; its mode comes from the process' umask. Throws
 * FatalError.
 */
export function listenUnix(
  connections: Connections,
  path: string,
): UnixSocketListener<Connection | null> {
  try {
    return Bun.listen<Connection | null>({
      unix: path,
      allowHalfOpen: true,
      socket: handlersFor(connections, path),
    });
  } catch (error) {
    throw cannotListen(path, error);
  }
}

/** Throws FatalError when the address cannot be had for this process alone. Port 0 always can. */
export function probe(hostname: string, port: number): void {
  try {
    Bun.listen({ hostname, port, socket: { data: ignore } }).stop(true);
  } catch (error) {
    throw cannotListen(joinPort(hostname, port), error);
  }
}

function ignore(): void {}

function handlersFor(connections: Connections, path: string) {
  return {
    open(socket: Bun.Socket<Connection | null>): void {
      socket.data = connections.accept(socket, path);
    },
    data(socket: Bun.Socket<Connection | null>, chunk: Buffer): void {
      socket.data?.data(chunk);
    },
    drain(socket: Bun.Socket<Connection | null>): void {
      socket.data?.drain();
    },
    end(socket: Bun.Socket<Connection | null>): void {
      if (socket.data === null) socket.end();
      else socket.data?.end();
    },
    close(socket: Bun.Socket<Connection | null>): void {
      socket.data?.close();
    },
    error(_socket: Bun.Socket<Connection | null>, error: Error): void {
      // Errors of the connection come with `close`; this one was thrown by a handler above. Out of
      // the event, so that it is uncaught.
      queueMicrotask(() => {
        throw error;
      });
    },
  };
}

function cannotListen(address: string, error: unknown): FatalError {
  const reason = reasonOf(error);
  const isTaken = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
  return new FatalError(
    `Cannot listen on ${address}: ${isTaken ? "port in use" : reason}`,
    isTaken ? "another server runs there; stop it, or choose another --port" : undefined,
  );
}
