/** The header of fan-out messages: its layout, and what is told apart by it. */
import { expect, test } from "bun:test";
import { HEADER_SIZE, header, readHeader, writeHeader } from "./message.ts";

function written(key: number): Buffer {
  const bytes = Buffer.alloc(HEADER_SIZE + 3);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  writeHeader(view, 3, key, -2, 7, 0x01020304, 1.5e9, 0.1 + 2 ** 40);
  return bytes;
}

test("writeHeader() writes the fields where the drawing has them", () => {
  const bytes = written(0);
  expect(bytes.toString("latin1", 3, 7)).toBe("kvf1");
  expect(bytes.readInt32LE(7)).toBe(-2);
  expect(bytes.readInt32LE(11)).toBe(7);
  expect(bytes.toString("hex", 15, 19)).toBe("04030201");
  expect([bytes.readDoubleLE(19), bytes.readDoubleLE(27)]).toEqual([1.5e9, 0.1 + 2 ** 40]);
});

test("readHeader() gives what was written, at any offset", () => {
  expect(readHeader(written(0), 3, HEADER_SIZE, -2)).toBe(true);
  expect(header).toEqual({
    publisher: 7,
    sequence: 0x01020304,
    dueNs: 1.5e9,
    sentNs: 0.1 + 2 ** 40,
  });
});

test("readHeader() refuses another phase, another kind and less than a header", () => {
  const bytes = written(0);
  expect(readHeader(bytes, 3, HEADER_SIZE, -3)).toBe(false);
  expect(readHeader(bytes, 2, HEADER_SIZE, -2)).toBe(false);
  expect(readHeader(bytes, 3, HEADER_SIZE - 1, -2)).toBe(false);
});

test("writeHeader() masks every word with the key", () => {
  const [plain, masked] = [written(0), written(0x0a0b0c0d)];
  for (let i = 0; i < HEADER_SIZE; i++) {
    const mask = [0x0d, 0x0c, 0x0b, 0x0a][i % 4]!;
    expect(masked[3 + i]! ^ mask).toBe(plain[3 + i]!);
  }
});
