/**
 * Runs the protocol suite on a real Valkey, a real Redis and ours with one and with two threads,
 * and compares what ours and Valkey make of the same garbage.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { Client, hasPeer, type Server, startKv, startPeer } from "../harness.ts";
import { fuzzProtocol } from "./protocol.fuzz.ts";
import {
  expectedOf,
  PIECES_ERRORS,
  PIECES_REPLY,
  PIECES_STREAM,
  PING,
  protocolCases,
  runProtocolCase,
  sendPieces,
} from "./protocol-suite.ts";
import { RawConnection } from "./raw-connection.ts";

const TEST_MS_MAX = 60_000;
const MIB = 1024 * 1024;

interface Candidate {
  readonly name: string;
  readonly kind: "ours" | "valkey" | "redis";
  readonly start: () => Promise<Server | null>;
}

async function startInstalled(name: "valkey-server" | "redis-server"): Promise<Server | null> {
  return hasPeer(name) ? await startPeer(name) : null;
}

const candidates: readonly Candidate[] = [
  { name: "valkey-server", kind: "valkey", start: () => startInstalled("valkey-server") },
  { name: "redis-server", kind: "redis", start: () => startInstalled("redis-server") },
  { name: "kv, 1 thread", kind: "ours", start: () => startKv(["--threads", "1"]) },
  { name: "kv, 2 threads", kind: "ours", start: () => startKv(["--threads", "2"]) },
];

for (const candidate of candidates) {
  describe(`protocol on ${candidate.name}`, () => {
    let server: Server | null = null;
    beforeAll(async () => {
      server = await candidate.start();
    });
    afterAll(async () => {
      await server?.stop();
    });
    const connect = (): Promise<RawConnection> => RawConnection.open(server?.port ?? 0);

    for (const theCase of protocolCases) {
      test(theCase.name, async () => {
        if (server === null) return;
        const expected = expectedOf(theCase, candidate.kind);
        expect(await runProtocolCase(connect, theCase.bytes, expected.end)).toEqual(expected);
      });
    }

    async function withBarrier(run: (barrier: () => Promise<void>) => Promise<void>) {
      using other = await connect();
      await run(async () => {
        const before = other.received.length;
        await other.send(PING);
        await other.endsWith("+PONG\r\n".repeat(before / 7 + 1));
      });
    }

    test(
      "cut at every byte, the replies are the same",
      async () => {
        if (server === null) return;
        await withBarrier(async (barrier) => {
          for (let at = 1; at < PIECES_STREAM.length; at++) {
            const pieces = [PIECES_STREAM.slice(0, at), PIECES_STREAM.slice(at)];
            expect(await sendPieces(connect, barrier, pieces, PIECES_REPLY)).toBe(PIECES_REPLY);
          }
        });
      },
      TEST_MS_MAX,
    );

    test(
      "byte by byte, the replies and the errors are the same",
      async () => {
        if (server === null) return;
        await withBarrier(async (barrier) => {
          const pieces = [...PIECES_STREAM];
          expect(await sendPieces(connect, barrier, pieces, PIECES_REPLY)).toBe(PIECES_REPLY);
          for (const bytes of PIECES_ERRORS) {
            const { reply } = await runProtocolCase(connect, bytes, "closed");
            expect(reply).toStartWith("-ERR Protocol error: ");
            expect(await sendPieces(connect, barrier, [...bytes], reply)).toBe(reply);
          }
        });
      },
      TEST_MS_MAX,
    );

    test("a thousand commands in one packet", async () => {
      if (server === null) return;
      const bytes = "*2\r\n$4\r\nECHO\r\n$3\r\nabc\r\nPING\n".repeat(500);
      const { reply } = await runProtocolCase(connect, bytes, "open");
      expect(reply).toBe("$3\r\nabc\r\n+PONG\r\n".repeat(500));
    });
  });
}

const PASSWORD = "secret";
const withPassword: readonly Candidate[] = [
  { name: "valkey-server", kind: "valkey", start: () => startLocked("valkey-server") },
  { name: "redis-server", kind: "redis", start: () => startLocked("redis-server") },
  { name: "kv", kind: "ours", start: () => startKv(["--requirepass", PASSWORD]) },
];

/** A real server with a password. Set when it runs: before, `startPeer` needs its PONG. */
async function startLocked(name: "valkey-server" | "redis-server"): Promise<Server | null> {
  const server = await startInstalled(name);
  if (server === null) return null;
  await using client = await Client.connect(server);
  await client.command("CONFIG", "SET", "requirepass", PASSWORD);
  return server;
}

for (const { name, start } of withPassword) {
  describe(`before the password on ${name}`, () => {
    let server: Server | null = null;
    beforeAll(async () => {
      server = await start();
    });
    afterAll(async () => {
      await server?.stop();
    });

    test("small requests only", async () => {
      if (server === null) return;
      const connect = (): Promise<RawConnection> => RawConnection.open(server?.port ?? 0);
      const noAuth = "-NOAUTH Authentication required.\r\n";
      const ten = `*10\r\n$4\r\nECHO\r\n${"$1\r\nx\r\n".repeat(9)}`;
      const cases = [
        [`${PING}*11\r\n`, `${noAuth}-ERR Protocol error: unauthenticated multibulk length\r\n`],
        ["*1\r\n$16385\r\n", "-ERR Protocol error: unauthenticated bulk length\r\n"],
        ["*2147483648\r\n", "-ERR Protocol error: invalid multibulk length\r\n"],
        ["*1\r\n$536870913\r\n", "-ERR Protocol error: invalid bulk length\r\n"],
      ] as const;
      for (const [bytes, reply] of cases) {
        expect(await runProtocolCase(connect, bytes, "closed")).toEqual({ reply, end: "closed" });
      }
      const { reply } = await runProtocolCase(connect, ten, "waiting");
      expect(reply).toBe("-ERR wrong number of arguments for 'echo' command\r\n");
    });

    test("AUTH counts for what is behind it in the same packet", async () => {
      if (server === null) return;
      const connect = (): Promise<RawConnection> => RawConnection.open(server?.port ?? 0);
      const mget = `*21\r\n$4\r\nMGET\r\n${"$1\r\nx\r\n".repeat(20)}`;
      const bytes = `*2\r\n$4\r\nAUTH\r\n$6\r\n${PASSWORD}\r\n${mget}`;
      const reply = `+OK\r\n*20\r\n${"$-1\r\n".repeat(20)}`;
      expect(await runProtocolCase(connect, bytes, "open")).toEqual({ reply, end: "open" });
    });
  });
}

describe("protocol.fuzz", () => {
  test(
    "ours and valkey-server answer garbage alike",
    async () => {
      if (!hasPeer("valkey-server")) return;
      await using theirs = await startPeer("valkey-server");
      await using ours = await startKv(["--threads", "1"]);
      const ports = { ours: ours.port, theirs: theirs.port };
      expect(await fuzzProtocol({ seed: 7, rounds: 300, ...ports })).toBe(300);
      await expect(fuzzProtocol({ seed: 7, rounds: 50, canary: true, ...ports })).rejects.toThrow(
        "differ",
      );
    },
    TEST_MS_MAX,
  );
});

describe("announced sizes", () => {
  test(
    "a thousand connections that announce a million arguments or 512 MB cost no memory",
    async () => {
      await using server = await startKv(["--threads", "1"]);
      const before = residentSize(server.pid);
      const connections: RawConnection[] = [];
      for (let i = 0; i < 1000; i++) {
        const connection = await RawConnection.open(server.port);
        connections.push(connection);
        const announced = i % 2 === 0 ? "*1000000\r\n" : "*2\r\n$4\r\nECHO\r\n$536870912\r\n";
        // The reply shows that what is behind it has arrived as well: it came in one packet.
        await connection.send(PING + announced);
        await connection.endsWith("+PONG\r\n");
      }
      expect(residentSize(server.pid) - before).toBeLessThan(64 * MIB);
      for (const connection of connections) connection[Symbol.dispose]();
    },
    TEST_MS_MAX,
  );
});

/** Bytes of physical memory that a process holds. */
function residentSize(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
}
