/** The client's side: reply reader, reply scanner and request encoder, cut at every byte. */
import { describe, expect, test } from "bun:test";
import { encodeRequest, RequestEncoder } from "./encoder.ts";
import { parsePieces } from "./parser-driver.ts";
import {
  decodeReplies,
  type Reply,
  ReplyDouble,
  ReplyError,
  ReplyPush,
  ReplyReader,
} from "./reader.ts";
import { ReplyScanner } from "./reply-scanner.ts";

const STREAM = [
  "+OK\r\n",
  "-ERR x y\r\n",
  ":5\r\n",
  ":-9223372036854775808\r\n",
  "$5\r\nhe\r\no\r\n",
  "$-1\r\n",
  "*-1\r\n",
  "*0\r\n",
  "*3\r\n:1\r\n*2\r\n$0\r\n\r\n_\r\n#t\r\n",
  "%1\r\n+a\r\n,1.5\r\n",
  "#f\r\n",
  "~2\r\n:1\r\n:2\r\n",
  ">2\r\n+m\r\n$1\r\nn\r\n",
  "=7\r\ntxt:abc\r\n",
  "(12345678901234567890\r\n",
  "|1\r\n+a\r\n*1\r\n+b\r\n:9\r\n",
  ",-inf\r\n",
  "!3\r\nE b\r\n",
  "*1\r\n-ERR in\r\n",
].join("");

const REPLIES: Reply[] = [
  "OK",
  new ReplyError("ERR x y"),
  5,
  -(2n ** 63n),
  "he\r\no",
  null,
  null,
  [],
  [1, ["", null], true],
  new Map<Reply, Reply>([["a", new ReplyDouble(1.5)]]),
  false,
  new Set<Reply>([1, 2]),
  new ReplyPush(["m", "n"]),
  "abc",
  12345678901234567890n,
  9,
  new ReplyDouble(-Infinity),
  new ReplyError("E b"),
  [new ReplyError("ERR in")],
];

function readAll(pieces: readonly Buffer[]): Reply[] {
  const reader = new ReplyReader({ bulksAsText: true });
  const replies: Reply[] = [];
  for (const piece of pieces) {
    reader.feed(piece);
    for (let it = reader.next(); it !== undefined; it = reader.next()) replies.push(it);
  }
  return replies;
}

function cutAt(at: number): Buffer[] {
  return [Buffer.from(STREAM.slice(0, at)), Buffer.from(STREAM.slice(at))];
}

describe("ReplyReader", () => {
  test("decodes every type", () => {
    expect(decodeReplies(Buffer.from(STREAM), { bulksAsText: true })).toEqual(REPLIES);
  });

  test("cut at every byte gives the same", () => {
    for (let at = 0; at <= STREAM.length; at++) expect(readAll(cutAt(at))).toEqual(REPLIES);
  });

  test("byte by byte gives the same", () => {
    expect(readAll([...STREAM].map((it) => Buffer.from(it)))).toEqual(REPLIES);
  });

  test("bulk strings are Buffers of their own unless text is asked for", () => {
    const input = Buffer.from("$3\r\n\xff\0a\r\n", "latin1");
    const [reply] = decodeReplies(input);
    input.fill(0);
    expect(reply).toEqual(Buffer.from("\xff\0a", "latin1"));
  });

  test("nextRaw() gives the bytes of one reply", () => {
    const reader = new ReplyReader();
    reader.feed(Buffer.from("+OK\r\n*2\r\n:1\r\n$1\r\nx\r\n:2"));
    expect(reader.nextRaw()?.toString()).toBe("+OK\r\n");
    expect(reader.nextRaw()?.toString()).toBe("*2\r\n:1\r\n$1\r\nx\r\n");
    expect(reader.nextRaw()).toBeUndefined();
    expect(reader.pendingSize).toBe(2);
  });

  test("refuses what is no reply", () => {
    for (const text of ["hello\r\n", "$x\r\n", "*1x\r\n"]) {
      expect(() => decodeReplies(Buffer.from(text))).toThrow("not a RESP reply");
    }
    expect(() => decodeReplies(Buffer.from("$5\r\nab"))).toThrow("unfinished");
  });

  test("ReplyError.code is the first word", () => {
    expect(new ReplyError("WRONGTYPE Operation").code).toBe("WRONGTYPE");
  });
});

describe("ReplyScanner.count()", () => {
  test("counts replies, errors at any depth and pushes, cut anywhere", () => {
    for (let at = 0; at <= STREAM.length; at++) {
      const scanner = new ReplyScanner();
      let count = 0;
      for (const piece of cutAt(at)) {
        // Given in the middle of a larger buffer, as a socket does.
        const bytes = Buffer.concat([Buffer.from("$9"), piece, Buffer.from("$9")]);
        count += scanner.count(bytes, 2, bytes.length - 2);
      }
      expect([count, scanner.repliesCount]).toEqual([REPLIES.length - 1, REPLIES.length - 1]);
      expect([scanner.errorsCount, scanner.pushesCount]).toEqual([3, 1]);
    }
  });

  test("passes over 512 MB without looking at it", () => {
    const scanner = new ReplyScanner();
    scanner.count(Buffer.from("$536870912\r\n"), 0, 12);
    const piece = Buffer.alloc(1 << 20, "+");
    for (let i = 0; i < 512; i++) expect(scanner.count(piece, 0, piece.length)).toBe(0);
    expect(scanner.count(Buffer.from("\r\n+OK\r\n"), 0, 7)).toBe(2);
  });

  test("stops at what is no reply", () => {
    const scanner = new ReplyScanner();
    expect(scanner.count(Buffer.from("+OK\r\nx\r\n+OK\r\n"), 0, 13)).toBe(1);
    expect(scanner.isBroken).toBe(true);
  });
});

describe("RequestEncoder", () => {
  test("what it writes, the parser reads", () => {
    const requests = [["PING"], ["SET", "k", ""], ["ECHO", "x".repeat(1234)]];
    const encoder = new RequestEncoder(1);
    for (const args of requests) encoder.command(...args);
    const bytes = Buffer.from(encoder.bytes.subarray(0, encoder.length));
    expect(parsePieces([bytes])).toEqual({ commands: requests, end: "complete" });
  });

  test("begin(), argument() and latin1() make a request", () => {
    const encoder = new RequestEncoder(1);
    encoder.begin(2);
    encoder.argument(Buffer.from("xGETx"), 1, 3);
    encoder.latin1("k\xff");
    const text = encoder.bytes.toString("latin1", 0, encoder.length);
    expect(text).toBe("*2\r\n$3\r\nGET\r\n$2\r\nk\xff\r\n");
  });

  test("encodeRequest() takes text as UTF-8, numbers and bytes", () => {
    expect(encodeRequest("é", -5, 7n, Buffer.from([255])).toString("latin1")).toBe(
      "*4\r\n$2\r\nÃ©\r\n$2\r\n-5\r\n$1\r\n7\r\n$1\r\n\xff\r\n",
    );
  });
});
