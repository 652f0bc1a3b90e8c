/**
 * Formats: what goes in comes out, for every shape; golden bytes; bytes that are cut off or wrong;
 * the names; the fuzzer and its canary; the micro-benchmark at a small size.
 */
import { describe, expect, test } from "bun:test";
import { Prng } from "../base/prng.ts";
import { isCborNative } from "./cbor.ts";
import type { ChatPayload, FormatName } from "./format.ts";
import { CodecBench } from "./formats.bench.ts";
import { fuzzFormats, randomValue } from "./formats.fuzz.ts";
import { codecOf, FORMATS, findFormat } from "./formats.ts";
import { isMsgpackNative } from "./msgpack.ts";
import { type Codec, isSameChat, type ShapeKind, type ShapeTypes, UINT32_MAX } from "./shapes.ts";

const KINDS: readonly ShapeKind[] = ["chat", "history", "blob", "series"];
const SAMPLE: ChatPayload = { data: "Grüße, 世界 🌍", timestamp: 1_767_225_600, id: 300 };
/** Formats that carry every field. */
const WHOLE = FORMATS.filter(({ name }) => name !== "string");

/** Every codec, with a name for the test. */
function codecs(): [string, ShapeKind, Codec<ShapeTypes[ShapeKind]>][] {
  return WHOLE.flatMap(({ name }) =>
    KINDS.map((kind) => {
      const codec = codecOf(name, kind) as Codec<ShapeTypes[ShapeKind]>;
      return [`${name} ${kind}`, kind, codec] as [string, ShapeKind, typeof codec];
    }),
  );
}

/** "ok", or the name of what was thrown. */
function outcome(run: () => unknown): string {
  try {
    run();
    return "ok";
  } catch (error) {
    return error instanceof Error ? error.name : typeof error;
  }
}

/**
 * Whether all from `end` on is zeros behind the last field: FlatBuffers fills up to four bytes, and
 * nothing is missing without them.
 */
function isPadding(name: string, bytes: Buffer, end: number): boolean {
  if (!name.startsWith("flatbuffers") || bytes.length - end >= 4) return false;
  return bytes.subarray(end).every((byte) => byte === 0);
}

test("every format carries every shape; string carries the text of a chat message", () => {
  for (const { name } of WHOLE) for (const kind of KINDS) expect(codecOf(name, kind)).toBeDefined();
  expect(KINDS.filter((kind) => codecOf("string", kind) !== undefined)).toEqual(["chat"]);
});

describe.each(codecs())("%s", (name, kind, codec) => {
  test("200 random values come back, and matches() tells them apart", () => {
    const prng = new Prng(20_260_101);
    let before = codec.encode(randomValue(kind, prng));
    for (let i = 0; i < 200; i++) {
      const value = randomValue(kind, prng);
      const bytes = codec.encode(value);
      expect(codec.decode(bytes)).toEqual(value);
      expect(codec.matches(bytes, value)).toBe(true);
      if (!bytes.equals(before)) expect(codec.matches(before, value)).toBe(false);
      before = bytes;
    }
  });

  test("bytes at any place in a larger Buffer are read as well as bytes of their own", () => {
    const prng = new Prng(7);
    for (let offset = 0; offset < 16; offset++) {
      const value = randomValue(kind, prng);
      const bytes = codec.encode(value);
      const larger = Buffer.alloc(bytes.length + 32, 0xff);
      bytes.copy(larger, offset);
      const inside = larger.subarray(offset, offset + bytes.length);
      expect(codec.decode(inside)).toEqual(value);
      expect(codec.readOne(inside)).toBe(codec.readOne(bytes));
    }
  });

  test("what encode() has returned is not written to again", () => {
    const prng = new Prng(9);
    const values = Array.from({ length: 50 }, () => randomValue(kind, prng));
    const encoded = values.map((value) => codec.encode(value));
    values.forEach((value, i) => {
      expect(codec.matches(encoded[i] as Buffer, value)).toBe(true);
    });
  });

  test("cut off at any byte, and with a byte behind it, it is malformed", () => {
    const prng = new Prng(3);
    for (let i = 0; i < 5; i++) {
      const value = randomValue(kind, prng);
      const bytes = codec.encode(value);
      for (let end = 0; end < bytes.length; end++) {
        const cut = bytes.subarray(0, end);
        const found = outcome(() => codec.decode(cut));
        if (found === "ok" && isPadding(name, bytes, end)) expect(codec.decode(cut)).toEqual(value);
        else expect([end, found]).toEqual([end, "RangeError"]);
        expect(outcome(() => codec.readOne(cut))).toMatch(/^(?:ok|RangeError)$/);
      }
    }
  });
});

describe.each(WHOLE.map((format) => [format.name, format] as const))("%s", (name, format) => {
  test("carries texts of any kind, empty to 512 KiB", () => {
    const texts = ["", "\0", "\uFFFD", "é", "日本語", "🌍🚀", '"\\\n', "ÿ".repeat(300)];
    texts.push("x".repeat(512 * 1024), "日".repeat(170_000));
    for (const data of texts) {
      const payload = { ...SAMPLE, data };
      const bytes = format.encode(payload);
      const back = format.decode(bytes);
      expect(isSameChat(back, payload)).toBe(true);
      expect(format.matches(bytes, payload)).toBe(true);
    }
  });

  test("carries a byte order mark at the head of a text, or refuses to write it", () => {
    const payload = { ...SAMPLE, data: `\uFEFF${"日".repeat(100)}` };
    if (["cbor", "msgpack"].includes(name)) {
      expect(outcome(() => format.encode(payload))).toBe("RangeError");
    } else {
      expect(format.decode(format.encode(payload))).toEqual(payload);
    }
  });

  test("carries numbers up to 2^32 - 1, and no larger ones", () => {
    for (const number of [0, 1, 127, 128, 2 ** 28, 2 ** 31, UINT32_MAX]) {
      const payload = { data: "a", timestamp: number, id: number };
      expect(format.decode(format.encode(payload))).toEqual(payload);
      expect(format.readId(format.encode(payload))).toBe(number);
    }
    for (const id of [UINT32_MAX + 1, -1, 0.5, Number.NaN]) {
      expect(outcome(() => format.decode(format.encode({ ...SAMPLE, id })))).toBe("RangeError");
    }
    // And goes on after one that it has refused.
    expect(format.decode(format.encode(SAMPLE))).toEqual(SAMPLE);
  });

  test("tells which field differs", () => {
    const bytes = format.encode(SAMPLE);
    expect(format.matches(bytes, { ...SAMPLE, id: 301 })).toBe(false);
    expect(format.matches(bytes, { ...SAMPLE, timestamp: 1 })).toBe(false);
    expect(format.matches(bytes, { ...SAMPLE, data: `${SAMPLE.data}!` })).toBe(false);
  });

  test("refuses text that is no UTF-8", () => {
    const bytes = format.encode({ ...SAMPLE, data: "abcdefgh" });
    const at = bytes.indexOf("abcd");
    for (const bad of [[0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0xc0, 0x80]]) {
      const wrong = Buffer.from(bytes);
      wrong.set(bad, at);
      expect([name, bad, outcome(() => format.decode(wrong))]).toEqual([name, bad, "RangeError"]);
      expect(outcome(() => format.matches(wrong, SAMPLE))).toBe("RangeError");
    }
  });
});

test("string carries data only", () => {
  const { format } = findFormat("string") as { format: (typeof FORMATS)[number] };
  const bytes = format.encode(SAMPLE);
  expect(bytes.toString()).toBe(SAMPLE.data);
  expect(format.decode(bytes)).toEqual({ data: SAMPLE.data, timestamp: 0, id: 0 });
  expect(format.matches(bytes, { ...SAMPLE, id: 1, timestamp: 1 })).toBe(true);
  expect(format.matches(bytes, { ...SAMPLE, data: "" })).toBe(false);
  expect(format.readId(bytes)).toBe(0);
  expect(outcome(() => format.decode(Buffer.from([0xff])))).toBe("RangeError");
});

/**
 * { data: "kv", timestamp: 1767225600, id: 300 }, as each specification says. 1767225600 is
 * 0x6955b900 and as varint 80 f2 d6 ca 06; 300 is 0x12c and as varint ac 02.
 */
const GOLDEN: Record<FormatName, string> = {
  string: "6b76",
  json: Buffer.from('{"data":"kv","timestamp":1767225600,"id":300}').toString("hex"),
  // a3: map of 3; 6x: text; 1a: u32; 19: u16.
  cbor: "a3 6464617461 626b76 6974696d657374616d70 1a6955b900 626964 19012c",
  // 83: map of 3; ax: text; ce: u32; cd: u16.
  msgpack: "83 a464617461 a26b76 a974696d657374616d70 ce6955b900 a26964 cd012c",
  // 0a: field 1, length-delimited; 10 and 18: fields 2 and 3, varints.
  protobuf: "0a026b76 1080f2d6ca06 18ac02",
  // Root at 0x10; vtable of 10 bytes at 6: table of 16 bytes, fields at 12, 8 and 4.
  flatbuffers:
    "10000000 0000 0a00 1000 0c00 0800 0400 0a000000 2c010000 00b95569 04000000 02000000 6b760000",
  compact: "ac02 80f2d6ca06 02 6b76",
  view: "2c010000 00b95569 10000000 02000000 6b76",
};

test.each(FORMATS.map((format) => [format.name, format] as const))(
  "%s: golden bytes",
  (name, it) => {
    const payload = { data: "kv", timestamp: 1_767_225_600, id: 300 };
    expect(it.encode(payload).toString("hex")).toBe(GOLDEN[name].replaceAll(" ", ""));
  },
);

describe("bytes that claim more than is there", () => {
  const LIES: readonly [FormatName, string][] = [
    ["cbor", "9affffffff"],
    ["cbor", "bafffffffe"],
    ["cbor", "7affffffff41"],
    ["cbor", "a36464617461 5bffffffffffffffff"],
    ["msgpack", "ddffffffff"],
    ["msgpack", "dfffffffff"],
    ["msgpack", "dbffffffff41"],
    ["protobuf", "0affffffff0f41"],
    ["protobuf", "0affffffffffffffffff01"],
    ["flatbuffers", "ffffff7f"],
    ["flatbuffers", "04000000 04000000 0000"],
    ["compact", "0000 ffffffff0f"],
    ["compact", "0000 80808080"],
    ["compact", "0000 ffffffffff"],
    ["compact", "8000 00 00"],
    ["view", "00000000 00000000 10000000 ffffffff"],
    ["view", "00000000 00000000 00000000 00000000"],
    ["json", "5b5b5b5b"],
    ["json", Buffer.from('{"data":1,"timestamp":1,"id":1}').toString("hex")],
    ["json", Buffer.from('{"values":[1e999],"counts":[],"deltas":[],"id":1}').toString("hex")],
    ["json", Buffer.from("null").toString("hex")],
    ["json", Buffer.from('{"data":"","timestamp":-1,"id":1}').toString("hex")],
  ];
  test.each(LIES)("%s %s", (name, hex) => {
    const bytes = Buffer.from(hex.replaceAll(" ", ""), "hex");
    for (const kind of KINDS) {
      const codec = codecOf(name, kind) as Codec<ShapeTypes[ShapeKind]>;
      // All zeros is an empty history of view.
      const wanted = kind === "chat" ? /^RangeError$/ : /^(?:ok|RangeError)$/;
      expect(outcome(() => codec.decode(bytes))).toMatch(wanted);
      expect(outcome(() => codec.readOne(bytes))).toMatch(/^(?:ok|RangeError)$/);
    }
  });

  test.each([
    ["cbor", Buffer.alloc(512 * 1024, 0x81)],
    ["msgpack", Buffer.alloc(512 * 1024, 0x91)],
    ["json", Buffer.alloc(512 * 1024, "[")],
    ["protobuf", Buffer.alloc(512 * 1024, 0x0b)],
  ] as const)("%s nested half a million deep", (name, bytes) => {
    for (const kind of KINDS) {
      const codec = codecOf(name, kind) as Codec<ShapeTypes[ShapeKind]>;
      expect(outcome(() => codec.decode(bytes))).toBe("RangeError");
    }
  });
});

test("findFormat() ignores case and dashes, and names what stands for formats of Rust", () => {
  for (const { name } of FORMATS) expect(findFormat(name)?.format.name).toBe(name);
  expect(findFormat("FlatBuffers")).toMatchObject({
    format: { name: "flatbuffers" },
    notice: null,
  });
  expect(findFormat("Flat-Buffers")?.format.name).toBe("flatbuffers");
  expect(findFormat("Bitcode")?.format.name).toBe("compact");
  expect(findFormat("rkyv")?.format.name).toBe("view");
  for (const text of ["Bitcode", "Rkyv"]) expect(findFormat(text)?.notice).toMatch(/^[^\n]+$/);
  for (const text of ["", "xml", "constructor", "__proto__"])
    expect(findFormat(text)).toBeUndefined();
});

test("what is read in place, and what is text", () => {
  const names = (isOne: (format: (typeof FORMATS)[number]) => boolean) =>
    FORMATS.filter(isOne).map(({ name }) => name);
  expect(names((format) => format.isReadInPlace)).toEqual(["flatbuffers", "view"]);
  expect(names((format) => format.isText)).toEqual(["string", "json"]);
});

test("no native addon is loaded, though one lies in node_modules", () => {
  expect([isCborNative(), isMsgpackNative()]).toEqual([false, false]);
});

describe("fuzzFormats()", () => {
  test("finds nothing", () => {
    expect(fuzzFormats({ seed: 20_260_101, rounds: 300 })).toBeGreaterThan(1000);
  });

  test("finds the canary", () => {
    expect(() => fuzzFormats({ seed: 1, rounds: 300, canary: true })).toThrow("seed");
  });
});

test("CodecBench runs with small parameters", () => {
  const bench = new CodecBench(4, 32);
  for (const { name } of FORMATS) bench.run(name);
  expect(bench.checksum).toBeGreaterThan(0);
});
