/** The reply writer: every reply in RESP2 and RESP3, from private and shared memory. */
import { describe, expect, test } from "bun:test";
import { Prng } from "../base/prng.ts";
import { decodeReplies } from "./reader.ts";
import { makeCases, writeBatch } from "./writer.bench.ts";
import { ReplyWriter } from "./writer.ts";

/** What `write` appends, latin1; the buffer starts so small that it has to grow. */
function written(write: (out: ReplyWriter) => void, resp3 = false): string {
  const out = new ReplyWriter(1);
  out.resp3 = resp3;
  write(out);
  return out.bytes.toString("latin1", 0, out.length);
}

describe("ReplyWriter", () => {
  test("simple replies", () => {
    expect(written((out) => out.ok())).toBe("+OK\r\n");
    expect(written((out) => out.pong())).toBe("+PONG\r\n");
    expect(written((out) => out.queued())).toBe("+QUEUED\r\n");
    expect(written((out) => out.simple("list"))).toBe("+list\r\n");
    expect(written((out) => out.error("ERR syntax error"))).toBe("-ERR syntax error\r\n");
  });

  test("error() and simple() stay one line whatever they are given", () => {
    expect(written((out) => out.error("ERR 'a\r\n+OK\r\nb\0é'"))).toBe("-ERR 'a  +OK  b\0é'\r\n");
    expect(written((out) => out.simple("a\nb"))).toBe("+a b\r\n");
  });

  test("integers", () => {
    const numbers = [0, 1, 9, 10, 99, 100, 999, 1000, 9999, 10_000, 123_456, 2 ** 31 - 1, 2 ** 31];
    numbers.push(1e9 - 1, 1e9, 1e10, 1e15, 1_000_000_001, Number.MAX_SAFE_INTEGER);
    for (const n of numbers) {
      expect(written((out) => out.integer(n))).toBe(`:${n}\r\n`);
      if (n !== 0) expect(written((out) => out.integer(-n))).toBe(`:-${n}\r\n`);
    }
    expect(written((out) => out.bigInteger(-(2n ** 63n)))).toBe(":-9223372036854775808\r\n");
  });

  test("integers of every length", () => {
    const random = new Prng(1);
    for (let i = 0; i < 20_000; i++) {
      const n = Math.floor(random.fraction() * 2 ** random.below(54));
      expect(written((out) => out.arrayHeader(n))).toBe(`*${n}\r\n`);
    }
    for (let n = 0; n < 1100; n++) expect(written((out) => out.integer(n))).toBe(`:${n}\r\n`);
  });

  test("bulk strings around the copy threshold, from private and shared memory", () => {
    for (const memory of [new ArrayBuffer(3000), new SharedArrayBuffer(3000)]) {
      const source = Buffer.from(memory as ArrayBuffer);
      for (let i = 0; i < source.length; i++) source[i] = i % 251;
      for (const length of [0, 1, 9, 10, 31, 32, 33, 99, 100, 128, 999, 1000, 2000]) {
        const expected = source.toString("latin1", 7, 7 + length);
        expect(written((out) => out.bulk(source, 7, length))).toBe(`$${length}\r\n${expected}\r\n`);
      }
    }
  });

  test("bulkHeader(), append() and crlf() make a bulk string", () => {
    const text = written((out) => {
      out.bulkHeader(3);
      out.append(Buffer.from("xabc"), 1, 3);
      out.crlf();
    });
    expect(text).toBe("$3\r\nabc\r\n");
  });

  test("bulkText() counts bytes of UTF-8, bulkLatin1() characters", () => {
    expect(
      decodeReplies(
        Buffer.from(
          written((out) => out.bulkText("é€")),
          "latin1",
        ),
      ),
    ).toEqual([Buffer.from("é€")]);
    expect(written((out) => out.bulkLatin1("é\xff"))).toBe("$2\r\né\xff\r\n");
    expect(written((out) => out.bulkText(""))).toBe("$0\r\n\r\n");
  });

  test.each([
    ["null", "$-1\r\n", "_\r\n", (out: ReplyWriter) => out.null()],
    ["nullArray", "*-1\r\n", "_\r\n", (out: ReplyWriter) => out.nullArray()],
    ["mapHeader", "*4\r\n", "%2\r\n", (out: ReplyWriter) => out.mapHeader(2)],
    ["setHeader", "*2\r\n", "~2\r\n", (out: ReplyWriter) => out.setHeader(2)],
    ["pushHeader", "*2\r\n", ">2\r\n", (out: ReplyWriter) => out.pushHeader(2)],
    ["arrayHeader", "*2\r\n", "*2\r\n", (out: ReplyWriter) => out.arrayHeader(2)],
    ["boolean true", ":1\r\n", "#t\r\n", (out: ReplyWriter) => out.boolean(true)],
    ["boolean false", ":0\r\n", "#f\r\n", (out: ReplyWriter) => out.boolean(false)],
    ["double", "$4\r\n-1.5\r\n", ",-1.5\r\n", (out: ReplyWriter) => out.double(-1.5)],
    ["double 1e21", "$5\r\n1e+21\r\n", ",1e+21\r\n", (out: ReplyWriter) => out.double(1e21)],
    ["double inf", "$4\r\n-inf\r\n", ",-inf\r\n", (out: ReplyWriter) => out.double(-Infinity)],
    ["verbatim", "$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n", (out: ReplyWriter) => out.verbatim("hi")],
  ] as const)("%s in RESP2 and RESP3", (_name, resp2, resp3, write) => {
    expect(written(write, false)).toBe(resp2);
    expect(written(write, true)).toBe(resp3);
  });

  test("a reply is taken back by setting length", () => {
    const text = written((out) => {
      out.ok();
      const mark = out.length;
      out.bulk(Buffer.alloc(5000), 0, 5000);
      out.length = mark;
      out.pong();
    });
    expect(text).toBe("+OK\r\n+PONG\r\n");
  });
});

test("writer.bench runs, and every case writes", () => {
  const out = new ReplyWriter(1 << 20);
  for (const it of makeCases()) expect(writeBatch(out, it)).toBeGreaterThanOrEqual(50 * 4);
});
