/**
 * Who is at the other end of a socket, as CLIENT LIST and the log write it.
 */
import type { ClientSocket } from "./connection.ts";

export interface Peer {
  /** "127.0.0.1:52110", "[::1]:52110", or "/path:0". */
  readonly address: string;
  readonly localAddress: string;
  /** Loopback or a Unix socket. */
  readonly isLocal: boolean;
}

/** `path`: of the Unix socket that the connection came through, "" for TCP. */
export function describePeer(socket: ClientSocket, path: string): Peer {
  if (path !== "") return { address: `${path}:0`, localAddress: `${path}:0`, isLocal: true };
  // A client that has reset its connection before it was accepted: the types do not know of it.
  if ((socket.remoteAddress as string | undefined) === undefined) {
    return { address: "?:0", localAddress: "?:0", isLocal: false };
  }
  return {
    address: joinPort(socket.remoteAddress, socket.remotePort),
    localAddress: joinPort(socket.localAddress, socket.localPort),
    isLocal: isLoopback(socket.remoteAddress),
  };
}

/** "::1" and 7878 give "[::1]:7878". */
export function joinPort(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Whether an address of either family is this machine's own. */
export function isLoopback(address: string): boolean {
  return (
    address === "::1" ||
    address.startsWith("127.") ||
    address.toLowerCase().startsWith("::ffff:127.")
  );
}
