/**
 * Which process of this machine listens on a TCP port, and what it uses: for servers that do not
 * say who they are (NATS, WebSocket servers).
 *
 *      /proc/net/tcp{,6}  port ──> inode of the listening socket
 *      /proc/<pid>/fd     inode ──> process
 *
 * Null whenever it is not certain: another host, another user's process, another system than Linux,
 * or a proxy in front of a container, whose processor time would be mistaken for the server's.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { isLoopback } from "./processor-time.ts";

/** State 0A of a row in /proc/net/tcp. */
const LISTEN = "0A";
/** They listen on behalf of what runs in a container. */
const PROXIES = ["docker-proxy", "rootlessport", "slirp4netns", "pasta"];

/** The process that listens on `port` of this machine; null when that is not certain. */
export function listeningProcess(host: string, port: number): number | null {
  if (!isLoopback(host)) return null;
  try {
    const inodes = ["tcp", "tcp6"].flatMap((name) => listeningInodes(name, port));
    const holders = readdirSync("/proc").filter(
      (name) => /^\d+$/.test(name) && holds(name, inodes),
    );
    // Several processes can share a port: then none of them is the server.
    const [holder, ...others] = holders;
    if (holder === undefined || others.length > 0) return null;
    const name = readFileSync(`/proc/${holder}/comm`, "latin1").trim();
    return PROXIES.includes(name) ? null : Number(holder);
  } catch {
    return null;
  }
}

/** Resident memory of a local process in bytes; null when the kernel does not tell. */
export function residentBytes(processId: number): number | null {
  try {
    const status = readFileSync(`/proc/${processId}/status`, "latin1");
    const kibibytes = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1];
    return kibibytes === undefined ? null : Number(kibibytes) * 1024;
  } catch {
    return null;
  }
}

/** Inodes of the sockets that listen on `port`. */
function listeningInodes(name: string, port: number): string[] {
  let table = "";
  try {
    table = readFileSync(`/proc/net/${name}`, "latin1");
  } catch {
    return [];
  }
  const wanted = port.toString(16).toUpperCase().padStart(4, "0");
  return table.split("\n").flatMap((line) => {
    // sl local remote st tx:rx tr:when retransmits uid timeout inode
    const [, local = "", , state, , , , , , inode] = line.trim().split(/\s+/);
    const isWanted = state === LISTEN && local.endsWith(`:${wanted}`) && inode !== undefined;
    return isWanted ? [`socket:[${inode}]`] : [];
  });
}

function holds(processId: string, inodes: readonly string[]): boolean {
  let names: string[];
  try {
    names = readdirSync(`/proc/${processId}/fd`);
  } catch {
    return false;
  }
  return names.some((name) => {
    try {
      return inodes.includes(readlinkSync(`/proc/${processId}/fd/${name}`));
    } catch {
      return false;
    }
  });
}
