/** The request parser: happy path, bad requests, requests in pieces, the fuzzer and its canary. */
import { describe, expect, test } from "bun:test";
import { encodeRequest } from "./encoder.ts";
import { errorTexts } from "./errors.ts";
import { makeBatches, parseBatch } from "./parser.bench.ts";
import { fuzzParser } from "./parser.fuzz.ts";
import { type ParseLimits, ParseStatus, RequestParser } from "./parser.ts";
import { LIMITS, ParserDriver, parsePieces } from "./parser-driver.ts";
import { PartialRequest } from "./partial-request.ts";
import { parseAsSpecified } from "./spec.ts";

const PING = "*1\r\n$4\r\nPING\r\n";

function bytesOf(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

/** What the parser makes of one packet, and that the specification agrees. */
function parse(text: string, limits: ParseLimits = LIMITS) {
  const result = parsePieces([bytesOf(text)], limits);
  expect(parseAsSpecified(text, limits)).toEqual(result);
  return result;
}

/** The error that ends `text`, without its prefix. */
function errorOf(text: string, limits: ParseLimits = LIMITS): string {
  return parse(text, limits).end.replace("error: ERR Protocol error: ", "");
}

describe("RequestParser.parse()", () => {
  test("gives offsets into the input", () => {
    const parser = new RequestParser();
    const input = bytesOf(`xx${"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"}${PING}yy`);
    const end = input.length - 2;
    expect(parser.parse(input, 2, end, LIMITS, new PartialRequest(), 64)).toBe(
      ParseStatus.Complete,
    );
    expect(parser.bytes).toBe(input);
    expect(parser.commandsCount).toBe(2);
    expect([...parser.commandFirst.subarray(0, 2)]).toEqual([0, 2]);
    expect([...parser.commandArgs.subarray(0, 2)]).toEqual([2, 1]);
    expect([...parser.commandEnd.subarray(0, 2)]).toEqual([22, 36]);
    expect([...parser.argStart.subarray(0, 3)]).toEqual([10, 19, 30]);
    expect([...parser.argLength.subarray(0, 3)]).toEqual([3, 1, 4]);
    expect(parser.consumed).toBe(end);
  });

  test("takes nothing from an empty range", () => {
    const parser = new RequestParser();
    const status = parser.parse(bytesOf(PING), 3, 3, LIMITS, new PartialRequest(), 64);
    expect([status, parser.commandsCount, parser.consumed]).toEqual([ParseStatus.Complete, 0, 3]);
  });

  test("stops at commandsMax and goes on from there", () => {
    const parser = new RequestParser();
    const partial = new PartialRequest();
    const input = bytesOf(PING.repeat(3));
    expect(parser.parse(input, 0, input.length, LIMITS, partial, 2)).toBe(ParseStatus.Full);
    expect([parser.commandsCount, parser.consumed]).toEqual([2, 28]);
    expect(parser.parse(input, 28, input.length, LIMITS, partial, 2)).toBe(ParseStatus.Complete);
    expect(parser.commandsCount).toBe(1);
  });

  test("is Complete, not Full, when the last command fills the batch", () => {
    const parser = new RequestParser();
    const input = bytesOf(PING.repeat(2));
    const status = parser.parse(input, 0, input.length, LIMITS, new PartialRequest(), 2);
    expect(status).toBe(ParseStatus.Complete);
  });

  test("takes a thousand commands from one packet", () => {
    const requests = Array.from({ length: 1000 }, (_, i) => ["SET", `key:${i}`, "v".repeat(i)]);
    const packet = Buffer.concat(requests.map((args) => encodeRequest(...args)));
    expect(parsePieces([packet])).toEqual({ commands: requests, end: "complete" });
  });

  test("takes more than a thousand batches' commands with commandsMax 1", () => {
    const { commands } = parsePieces([bytesOf(PING.repeat(1500))], LIMITS, 1);
    expect(commands.length).toBe(1500);
  });

  test("takes arguments of any bytes and of every number of digits", () => {
    const any = String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i));
    for (const size of [0, 1, 9, 10, 99, 100, 999, 1000, 9999, 10_000, 99_999, 1_000_000]) {
      const value = any.repeat(Math.ceil(size / 256)).slice(0, size);
      const request = encodeRequest("SET", "k", bytesOf(value));
      expect(parsePieces([request])).toEqual({ commands: [["SET", "k", value]], end: "complete" });
    }
  });

  test("takes requests of 1 to 300 arguments", () => {
    for (let count = 1; count <= 300; count++) {
      const args = Array.from({ length: count }, (_, i) => String(i));
      expect(parsePieces([encodeRequest(...args)]).commands).toEqual([args]);
    }
  });

  test("puts commands before an error into the batch", () => {
    expect(parse(`${PING}${PING}*1\r\n$x\r\n${PING}`)).toEqual({
      commands: [["PING"], ["PING"]],
      end: `error: ${errorTexts.protocolBulkLength}`,
    });
  });

  test("passes over empty lines and counts below 1", () => {
    const text = `\r\n*0\r\n${PING}\n*-1\r\nPING\r\n\r\n*-9223372036854775808\r\n${PING}*0\r\n`;
    expect(parse(text)).toEqual({ commands: [["PING"], ["PING"], ["PING"]], end: "complete" });
  });

  test("makes an inline command a batch of its own", () => {
    const parser = new RequestParser();
    const partial = new PartialRequest();
    const input = bytesOf(`${PING}ECHO "a b"\r\n${PING}`);
    const statuses: ParseStatus[] = [];
    const inlines: boolean[] = [];
    let at = 0;
    for (let i = 0; i < 3; i++) {
      statuses.push(parser.parse(input, at, input.length, LIMITS, partial, 64));
      expect(parser.commandsCount).toBe(1);
      expect(parser.commandEnd[0]).toBe(parser.consumed);
      inlines.push(parser.bytes !== input);
      at = parser.consumed;
    }
    expect(statuses).toEqual([ParseStatus.Full, ParseStatus.Full, ParseStatus.Complete]);
    expect(inlines).toEqual([false, true, false]);
  });
});

describe("RequestParser.parse() on bad requests", () => {
  test.each([
    ["*2147483648", "invalid multibulk length"],
    ["*9223372036854775808", "invalid multibulk length"],
    ["*-9223372036854775809", "invalid multibulk length"],
    ["*", "invalid multibulk length"],
    ["*+1", "invalid multibulk length"],
    ["*01", "invalid multibulk length"],
    ["*-0", "invalid multibulk length"],
    ["* 1", "invalid multibulk length"],
    ["*1 ", "invalid multibulk length"],
    ["*1\n$4\nPING\n", "invalid multibulk length"],
    ["*x", "invalid multibulk length"],
    ["*1\r\n$536870913", "invalid bulk length"],
    ["*1\r\n$-1", "invalid bulk length"],
    ["*1\r\n$-10", "invalid bulk length"],
    ["*1\r\n$9223372036854775808", "invalid bulk length"],
    ["*1\r\n$18446744073709551615", "invalid bulk length"],
    ["*1\r\n$ 5", "invalid bulk length"],
    ["*1\r\n$+5", "invalid bulk length"],
    ["*1\r\n$05", "invalid bulk length"],
    ["*1\r\n$00", "invalid bulk length"],
    ["*1\r\n$", "invalid bulk length"],
    ["*1\r\n*1", "expected '$', got '*'"],
    ["*1048577\r\n*1", "expected '$', got '*'"],
    ["*1\r\n:5", "expected '$', got ':'"],
    ["*1\r\n", "expected '$', got '\r'"],
    ["*2\r\n$4\r\nECHO\r\n$3\r\nfooXX", "invalid CRLF in request"],
    ["*2\r\n$4\r\nECHO\r\n$3\r\nfoo\n\n", "invalid CRLF in request"],
    ["*1\rX$4\r\nPING\r\n", "invalid CRLF in request"],
    ["*1\r\n$4\rXPING\r\n", "invalid CRLF in request"],
    ['ECHO "abc', "unbalanced quotes in request"],
    ["ECHO 'abc", "unbalanced quotes in request"],
    ['ECHO "a"b', "unbalanced quotes in request"],
    ["ECHO a'b c'd", "unbalanced quotes in request"],
  ])("%j is: %s", (text, expected) => {
    expect(errorOf(`${text}\r\n${PING}`)).toBe(expected);
  });

  test("nested arrays end at the first one, however many follow", () => {
    expect(errorOf("*1\r\n".repeat(1_000_000))).toBe("expected '$', got '*'");
  });

  test.each([
    ["*", "1", "too big mbulk count string"],
    ["*1\r\n$", "1", "too big bulk count string"],
    ["*\0", "x\r\n", "too big mbulk count string"],
    ["*1\r\n$\0", "x\r\n", "too big bulk count string"],
    ["", "x", "too big inline request"],
    ["\0", "x\r\n", "too big inline request"],
  ])("%j and then %j without an end is: %s", (start, filler, expected) => {
    const text = start + filler.repeat(70_000);
    expect(errorOf(text)).toBe(expected);
    const driver = new ParserDriver();
    for (let at = 0; at < text.length; at += 1000) driver.feed(bytesOf(text.slice(at, at + 1000)));
    expect(driver.result.end).toBe(`error: ERR Protocol error: ${expected}`);
  });

  test("a line of exactly 64 KiB passes, of one byte more does not", () => {
    const word = "x".repeat(65_536 - 5);
    expect(parse(`ECHO ${word}\r\n`).end).toBe("error: ERR Protocol error: too big inline request");
    expect(parse(`ECHO ${word}\n`).commands).toEqual([["ECHO", word]]);
    expect(parse(`*${"1".repeat(65_535)}`).end).toBe("incomplete");
  });

  test("the bulk limit is exact", () => {
    const limits = { ...LIMITS, bulkSizeMax: 5000 };
    expect(parse(`*1\r\n$5000\r\n${"x".repeat(5000)}\r\n`, limits).end).toBe("complete");
    expect(errorOf(`*1\r\n$5001\r\n${"x".repeat(5001)}\r\n`, limits)).toBe("invalid bulk length");
  });

  test("the count limit is exact", () => {
    const limits = { ...LIMITS, multibulkCountMax: 1000 };
    expect(parse(`*1000\r\n${"$1\r\nx\r\n".repeat(1000)}`, limits).end).toBe("complete");
    expect(errorOf("*1001\r\n", limits)).toBe("invalid multibulk length");
  });

  test("limits beyond 2^31 and 2^53 are limits", () => {
    for (const bulkSizeMax of [2 ** 31, 2 ** 32, 2 ** 53]) {
      const limits = { ...LIMITS, bulkSizeMax };
      expect(parse(`*1\r\n$${bulkSizeMax}\r\nx`, limits).end).toBe("incomplete");
      expect(errorOf(`*1\r\n$${BigInt(bulkSizeMax) + 2n}\r\nx`, limits)).toBe(
        "invalid bulk length",
      );
    }
  });

  test.each(["POST / HTTP/1.1\r\n", "post\n", "Host: x\r\n", "hOsT:\r\n"])("%j closes", (line) => {
    expect(parse(`${PING}${line}${PING}`)).toEqual({ commands: [["PING"]], end: "security" });
  });
});

describe("RequestParser.parse() before the password", () => {
  const limits = { ...LIMITS, authenticated: false };

  test("takes 10 arguments and 16,384 bytes", () => {
    expect(parse(`*10\r\n${"$1\r\nx\r\n".repeat(10)}`, limits).end).toBe("complete");
    expect(parse(`*1\r\n$16384\r\n${"x".repeat(16_384)}\r\n`, limits).end).toBe("complete");
  });

  test("refuses more", () => {
    expect(errorOf("*11\r\n", limits)).toBe("unauthenticated multibulk length");
    expect(errorOf("*1\r\n$16385\r\n", limits)).toBe("unauthenticated bulk length");
  });

  test("gives one command at a time, so that AUTH counts for the next one", () => {
    const parser = new RequestParser();
    const input = bytesOf(PING.repeat(2));
    const status = parser.parse(input, 0, input.length, limits, new PartialRequest(), 64);
    expect([status, parser.commandsCount]).toEqual([ParseStatus.Full, 1]);
  });
});

describe("RequestParser.parse() in pieces", () => {
  const stream = [
    "*3\r\n$3\r\nSET\r\n$5\r\nk\r\n\0y\r\n$12\r\n123456789012\r\n",
    "*0\r\n",
    PING,
    "\r\n",
    "ECHO \"a\\x41 b\" 'c d'\r\n",
    "*-1\r\n",
    "PING\n",
    `*12\r\n${"$1\r\nx\r\n".repeat(12)}`,
    "  \r\n",
    `*2\r\n$4\r\nECHO\r\n$120\r\n${"z".repeat(120)}\r\n`,
    PING,
  ].join("");

  test("cut at every byte gives the same", () => {
    const whole = parse(stream);
    expect(whole.end).toBe("complete");
    expect(whole.commands.length).toBe(7);
    for (let at = 1; at < stream.length; at++) {
      const pieces = [bytesOf(stream.slice(0, at)), bytesOf(stream.slice(at))];
      expect(parsePieces(pieces)).toEqual(whole);
    }
  });

  test("byte by byte gives the same", () => {
    const pieces = [...stream].map(bytesOf);
    expect(parsePieces(pieces)).toEqual(parse(stream));
  });

  test("every error comes byte by byte as well", () => {
    for (const text of ["*1\r\n*1\r\n", "*1\r\n$-1\r\n", "*x\r\n", 'E "\r\n', "*1\r\n$1\r\nabc"]) {
      expect(parsePieces([...text].map(bytesOf))).toEqual(parse(text));
    }
  });

  test("reads no settled byte twice: a request of a million arguments costs O(n)", () => {
    const count = 1_000_000;
    const input = bytesOf(`*${count}\r\n${"$3\r\nabc\r\n".repeat(count)}`);
    const parser = new RequestParser();
    const partial = new PartialRequest();
    let status = ParseStatus.Incomplete;
    let fedEnd = 0;
    while (fedEnd < input.length) {
      const settledEnd = partial.position;
      fedEnd = Math.min(fedEnd + 65_536, input.length);
      status = parser.parse(input, 0, fedEnd, LIMITS, partial, 64);
      // What was settled before this call is destroyed but for the first byte, which says what kind
      // of request it is.
      if (status === ParseStatus.Incomplete) input.fill("!", Math.min(settledEnd, 1), settledEnd);
    }
    expect(status).toBe(ParseStatus.Complete);
    expect([parser.commandsCount, parser.commandArgs[0]]).toEqual([1, count]);
    expect(parser.argStart[count - 1]).toBe(input.length - 5);
    expect(partial.argStart.length).toBe(0);
  });

  test("a value in pieces costs one look at what is needed", () => {
    const size = 10_000_000;
    const head = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n";
    const request = bytesOf(`${head}$${size}\r\n${"x".repeat(size)}\r\n`);
    const parser = new RequestParser();
    const partial = new PartialRequest();
    expect(parser.parse(request, 0, 100, LIMITS, partial, 64)).toBe(ParseStatus.Incomplete);
    expect(partial.neededSize).toBe(request.length);
    // The bytes are not even looked at before enough of them are there.
    const garbage = Buffer.alloc(request.length - 1, "!");
    garbage[0] = 42;
    expect(parser.parse(garbage, 0, garbage.length, LIMITS, partial, 64)).toBe(
      ParseStatus.Incomplete,
    );
    expect(parser.parse(request, 0, request.length, LIMITS, partial, 64)).toBe(
      ParseStatus.Complete,
    );
    expect([...parser.argLength.subarray(0, 3)]).toEqual([3, 1, size]);
    expect(partial.isActive).toBe(false);
  });

  test("reserves nothing for what is announced", () => {
    for (const text of ["*1000000\r\n", "*2147483647\r\n$3\r\nSET\r\n", "*1\r\n$536870912\r\n"]) {
      const driver = new ParserDriver();
      driver.feed(bytesOf(text));
      expect(driver.end).toBe("incomplete");
      expect(driver.partial.argStart.length).toBeLessThanOrEqual(16);
      expect(driver.parser.argStart.length).toBeLessThanOrEqual(1024);
    }
  });

  test("neededSize covers the argument that is arriving, not those announced behind it", () => {
    const driver = new ParserDriver();
    driver.feed(bytesOf("*2000000000\r\n$500\r\n"));
    expect(driver.partial.neededSize).toBe("*2000000000\r\n$500\r\n".length + 502);
  });

  test("gives the memory of a huge request back", () => {
    const driver = new ParserDriver();
    driver.feed(bytesOf(`*70000\r\n${"$1\r\nx\r\n".repeat(70_000)}`));
    const { argStart, argLength } = driver.parser;
    expect(argStart.length).toBeGreaterThanOrEqual(70_000);
    driver.feed(bytesOf(PING));
    // At once, not by the collector: 200 requests of 100,000 arguments took 1.2 GB.
    expect([argStart.length, argLength.length]).toEqual([0, 0]);
    expect(driver.parser.argStart.length).toBe(1024);
  });
});

describe("parser.fuzz", () => {
  test("the parser agrees with the specification", () => {
    expect(fuzzParser({ seed: 20_260_101, rounds: 1000 })).toBeGreaterThan(1000);
  }, 30_000);

  test("the canary is found", () => {
    expect(() => fuzzParser({ seed: 20_260_101, rounds: 100, canary: true })).toThrow("differs");
  });
});

test("parser.bench runs and finds every request", () => {
  const parser = new RequestParser();
  for (const batch of makeBatches()) {
    const checksum = parseBatch(parser, new PartialRequest(), batch);
    expect(Math.floor(checksum / 1000)).toBe(batch.requestsCount);
  }
});
