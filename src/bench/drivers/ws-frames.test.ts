/** WebSocket frames: what is read, split at every byte, what is refused, and what is masked. */
import { expect, test } from "bun:test";
import { serverFrame } from "./stream-reader.fuzz.ts";
import { maskedFrame, Opcode, WsFrameReader } from "./ws-frames.ts";

function read(pieces: Buffer[]): { units: string[]; malformed: string } {
  const units: string[] = [];
  const reader = new WsFrameReader({
    onMessage: (bytes, at, size) => units.push(bytes.toString("latin1", at, at + size)),
    onControl: (opcode, bytes, at, size) =>
      units.push(`${opcode}:${bytes.toString("latin1", at, at + size)}`),
  });
  for (const piece of pieces) if (!reader.feed(Buffer.from(piece))) break;
  return { units, malformed: reader.malformed };
}

const LONG = "y".repeat(400);
const STREAM = Buffer.concat([
  serverFrame(Opcode.Binary, true, Buffer.from("one")),
  serverFrame(Opcode.Text, false, Buffer.from("tw")),
  serverFrame(Opcode.Ping, true, Buffer.from("p")),
  serverFrame(Opcode.Continuation, false, Buffer.alloc(0)),
  serverFrame(Opcode.Continuation, true, Buffer.from("o")),
  serverFrame(Opcode.Binary, true, Buffer.from(LONG)),
  serverFrame(Opcode.Binary, true, Buffer.alloc(0)),
  serverFrame(Opcode.Close, true, Buffer.from([0x03, 0xe9])),
]);
const UNITS = ["one", "9:p", "two", LONG, "", "8:\x03\xe9"];

test("WsFrameReader reads frames split at every byte", () => {
  for (let at = 0; at <= STREAM.length; at++) {
    expect(read([STREAM.subarray(0, at), STREAM.subarray(at)]).units).toEqual(UNITS);
  }
});

test("WsFrameReader reads byte by byte, and lengths of 64 bits", () => {
  expect(read([...STREAM].map((byte) => Buffer.of(byte))).units).toEqual(UNITS);
  const large = Buffer.alloc(70_000, "z");
  expect(read([serverFrame(Opcode.Binary, true, large)]).units).toEqual([large.toString()]);
});

test("WsFrameReader refuses what RFC 6455 forbids", () => {
  const frame = (first: number, second: number) => Buffer.from([first, second, 0, 0, 0, 0]);
  const cases: [bytes: Buffer, malformed: string][] = [
    [frame(0xc2, 0), "a frame with reserved bits"],
    [frame(0x82, 0x80), "a masked frame from a server"],
    [frame(0x80, 0), "a frame of kind 0 out of turn"],
    [frame(0x83, 0), "a frame of kind 3 out of turn"],
    [frame(0x09, 0), "a malformed control frame"],
    [frame(0x8b, 0), "a malformed control frame"],
    [serverFrame(Opcode.Ping, true, Buffer.alloc(126)), "a malformed control frame"],
    [
      Buffer.concat([
        serverFrame(Opcode.Binary, false, Buffer.from("a")),
        serverFrame(Opcode.Binary, true, Buffer.from("b")),
      ]),
      "a frame of kind 2 out of turn",
    ],
    [Buffer.from([0x82, 127, 0, 0, 1, 0, 0, 0, 0, 0]), "a frame of 1099511627776 bytes"],
  ];
  for (const [bytes, malformed] of cases) expect(read([bytes]).malformed).toBe(malformed);
});

test("maskedFrame() masks as RFC 6455, 5.3 says, in all three lengths", () => {
  // The example of section 5.7: "Hello", masked with 37 fa 21 3d.
  const { bytes } = maskedFrame(Opcode.Text, Buffer.from("Hello"), 0x3d21fa37);
  expect(bytes.toString("hex")).toBe("818537fa213d7f9f4d5158");
  for (const [size, payloadAt] of [
    [125, 6],
    [126, 8],
    [65_536, 14],
  ] as const) {
    const frame = maskedFrame(Opcode.Binary, Buffer.alloc(size, 7), 0x01020304);
    expect([frame.payloadAt, frame.bytes.length]).toEqual([payloadAt, payloadAt + size]);
    expect(frame.bytes[payloadAt + 5]).toBe(7 ^ 3);
  }
});
