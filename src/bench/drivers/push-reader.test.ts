/** Pushed messages and lines between them, split at every byte, and what is neither. */
import { expect, test } from "bun:test";
import { PushReader } from "./push-reader.ts";
import { fuzzStreamReaders } from "./stream-reader.fuzz.ts";

const RESP_PREFIX = "*3\r\n$7\r\nmessage\r\n$5\r\nbench\r\n$";
const CONFIRMATION = "*3\r\n$9\r\nsubscribe\r\n$5\r\nbench\r\n:1\r\n";

function respMessage(body: string): string {
  return `${RESP_PREFIX}${body.length}\r\n${body}\r\n`;
}

/** What `pieces` are read as: messages in brackets, lines as they are. */
function read(prefix: string | null, pieces: Buffer[]): { units: string[]; malformed: string } {
  const units: string[] = [];
  const reader = new PushReader(prefix, {
    onMessage: (bytes, at, size) => units.push(`[${bytes.toString("latin1", at, at + size)}]`),
    onLine: (bytes, start, end) => units.push(bytes.toString("latin1", start, end)),
  });
  for (const piece of pieces) if (!reader.feed(Buffer.from(piece))) break;
  return { units, malformed: reader.malformed };
}

function splitAt(text: string, at: number): Buffer[] {
  const bytes = Buffer.from(text, "latin1");
  return [bytes.subarray(0, at), bytes.subarray(at)];
}

const RESP_STREAM = [
  CONFIRMATION,
  respMessage("one\r\n*3"),
  respMessage(""),
  "-ERR no\r\n",
  respMessage("x".repeat(300)),
].join("");
const RESP_UNITS = [
  ...["*3", "$9", "subscribe", "$5", "bench", ":1"],
  ...["[one\r\n*3]", "[]", "-ERR no", `[${"x".repeat(300)}]`],
];
const NATS_STREAM =
  "MSG bench.1 1 5\r\nMSG \n\r\nPING\r\nMSG bench.1 1 0\r\n\r\n-ERR 'Slow Consumer'\r\n";
const NATS_UNITS = ["[MSG \n]", "PING", "[]", "-ERR 'Slow Consumer'"];

test("PushReader reads RESP pushes split at every byte", () => {
  for (let at = 0; at <= RESP_STREAM.length; at++) {
    expect(read(RESP_PREFIX, splitAt(RESP_STREAM, at)).units).toEqual(RESP_UNITS);
  }
});

test("PushReader reads NATS messages split at every byte", () => {
  for (let at = 0; at <= NATS_STREAM.length; at++) {
    expect(read("MSG bench.1 1 ", splitAt(NATS_STREAM, at)).units).toEqual(NATS_UNITS);
  }
});

test("PushReader reads byte by byte", () => {
  const bytes = [...Buffer.from(RESP_STREAM, "latin1")].map((byte) => Buffer.of(byte));
  expect(read(RESP_PREFIX, bytes).units).toEqual(RESP_UNITS);
});

test("PushReader without a prefix reads lines only", () => {
  expect(read(null, [Buffer.from(":90\r\n*3\r\n+OK\n")]).units).toEqual([":90", "*3", "+OK"]);
});

test("PushReader says what is malformed", () => {
  const cases: [stream: string, malformed: string][] = [
    [`${RESP_PREFIX}x\r\n`, "a message without its size"],
    [`${RESP_PREFIX}\r\n\r\n`, "a message without its size"],
    [`${RESP_PREFIX}2\r\nabcd`, "a message that does not end where it should"],
    [`${RESP_PREFIX}99999999999`, "a message of 99999999999 bytes"],
    ["x".repeat(70_000), "a line of more than 65536 bytes"],
  ];
  for (const [stream, malformed] of cases) {
    expect(read(RESP_PREFIX, [Buffer.from(stream)]).malformed).toBe(malformed);
  }
});

test("PushReader and WsFrameReader agree with what was generated", () => {
  expect(fuzzStreamReaders({ seed: 1, rounds: 300 })).toBeGreaterThan(1000);
});

test("the fuzzer of the stream readers notices a unit that is left out", () => {
  expect(() => fuzzStreamReaders({ seed: 1, rounds: 20, canary: true })).toThrow("seed");
});
