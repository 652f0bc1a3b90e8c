/**
 * The protocol suite: bytes that are not all requests, and what a server must make of them.
 *
 * The same cases run on a real Valkey, a real Redis and ours (protocol.test.ts), given only a way
 * to connect. An expectation was seen on the wire of the real ones first; where ours is stricter
 * on purpose, `ours` says what it answers and `reason` why.
 *
 * How a case ends is part of it:
 *   open     the connection is in sync: an ECHO behind the case is answered
 *   closed   the server closes by itself
 *   waiting  the bytes are the beginning of a request: nothing comes, and when the client says that
 *            it is done, the server closes
 */
import { encodeRequest } from "../../src/resp/encoder.ts";
import type { RawConnection } from "./raw-connection.ts";

export type Connect = () => Promise<RawConnection>;
export type ProtocolEnd = "open" | "closed" | "waiting";

interface Outcome {
  readonly reply: string;
  readonly end: ProtocolEnd;
}

export interface ProtocolCase extends Outcome {
  readonly name: string;
  readonly bytes: string;
  /** What ours does instead, or Valkey 8.0. */
  readonly ours?: Outcome;
  readonly valkey?: Outcome;
  readonly reason?: string;
}

export const PING = "*1\r\n$4\r\nPING\r\n";
const PONG = "+PONG\r\n";
const NONCE = "nonce-b7e1";

function open(name: string, bytes: string, reply: string): ProtocolCase {
  return { name, bytes, reply, end: "open" };
}

function closed(name: string, bytes: string, error: string, before = ""): ProtocolCase {
  return { name, bytes, reply: `${before}-ERR Protocol error: ${error}\r\n`, end: "closed" };
}

function waiting(name: string, bytes: string, reply = ""): ProtocolCase {
  return { name, bytes, reply, end: "waiting" };
}

/** Where Redis and Valkey 8 take any two bytes for a line end, and ours (as Valkey 9) refuses. */
function strict(theirs: ProtocolCase, before: string): ProtocolCase {
  return {
    ...theirs,
    ours: { reply: `${before}-ERR Protocol error: invalid CRLF in request\r\n`, end: "closed" },
    reason: "two bytes that are no CR LF mean that the client's lengths are wrong",
  };
}

// ---- Lengths and counts ----

const LENGTHS_REFUSED = [
  "536870913",
  "-1",
  "-10",
  "9223372036854775808",
  "18446744073709551615",
  " 5",
  "5 ",
  "+5",
  "05",
  "00",
  "-0",
  "",
  "x",
  "5x",
  "0x5",
  "5\n",
];
const COUNTS_REFUSED = [
  "2147483648",
  "9223372036854775808",
  "-9223372036854775809",
  " 1",
  "1 ",
  "+1",
  "01",
  "00",
  "-0",
  "",
  "x",
  "1x",
  "1\n$4\nPING\n",
];
const COUNTS_IGNORED = ["0", "-1", "-10", "-2147483649", "-9223372036854775808"];

const lengths: ProtocolCase[] = [
  ...LENGTHS_REFUSED.map((it) =>
    closed(`length ${JSON.stringify(it)}`, `*1\r\n$${it}\r\n`, "invalid bulk length"),
  ),
  ...COUNTS_REFUSED.map((it) =>
    closed(`count ${JSON.stringify(it)}`, `*${it}\r\n`, "invalid multibulk length"),
  ),
  ...COUNTS_IGNORED.map((it) => open(`count ${it} is no request`, `*${it}\r\n${PING}`, PONG)),
  waiting("the largest length", "*2\r\n$4\r\nECHO\r\n$536870912\r\nabc"),
  waiting("the largest count", "*2147483647\r\n$4\r\nECHO\r\n"),
  waiting("a count of a million and one", "*1048577\r\n"),
  closed("a second array in a huge one", `*1048577\r\n${PING}`, "expected '$', got '*'"),
  closed("nested arrays", "*1\r\n".repeat(1000), "expected '$', got '*'"),
  closed("an integer for a bulk", "*1\r\n:5\r\n", "expected '$', got ':'"),
  closed("an empty line for a bulk", "*1\r\n\r\n", "expected '$', got ' '"),
  closed(
    "an error behind commands",
    `${PING}${PING}*1\r\n$x\r\n`,
    "invalid bulk length",
    PONG + PONG,
  ),
  open(
    "an empty name",
    "*1\r\n$0\r\n\r\n",
    "-ERR unknown command '', with args beginning with: \r\n",
  ),
  open("an empty argument", "*2\r\n$4\r\nECHO\r\n$0\r\n\r\n", "$0\r\n\r\n"),
];

// ---- Line ends ----

const lineEnds: ProtocolCase[] = [
  strict(open("$3 foo XX", "*2\r\n$4\r\nECHO\r\n$3\r\nfooXX", "$3\r\nfoo\r\n"), ""),
  strict(open("$3 foo LF LF", "*2\r\n$4\r\nECHO\r\n$3\r\nfoo\n\n", "$3\r\nfoo\r\n"), ""),
  strict(open("CR X behind a count", `${PING}*1\rX$4\r\nPING\r\n`, PONG + PONG), PONG),
  strict(open("CR X behind a length", "*1\r\n$4\rXPING\r\n", PONG), ""),
  waiting("CR at the end of a header", "*1\r"),
  waiting("half of the line end of a bulk", "*1\r\n$4\r\nPING\r"),
  waiting("half of a request behind a whole one", `${PING}*2\r\n$4\r\nECHO\r\n$3\r\nab`, PONG),
];

// ---- Long lines and NUL ----

const long: ProtocolCase[] = [
  closed("a count without end", `*${"1".repeat(65_536)}`, "too big mbulk count string"),
  waiting("a count of just 64 KiB", `*${"1".repeat(65_535)}`),
  closed("a length without end", `*1\r\n$${"1".repeat(65_536)}`, "too big bulk count string"),
  waiting("a length of just 64 KiB", `*1\r\n$${"1".repeat(65_535)}`),
  closed("an inline request without end", "x".repeat(65_537), "too big inline request"),
  waiting("an inline request of just 64 KiB", "x".repeat(65_536)),
  open(
    "a long inline request",
    `ECHO ${"x".repeat(60_000)}\r\n`,
    `$60000\r\n${"x".repeat(60_000)}\r\n`,
  ),
  waiting("NUL in an inline request hides its end", "PING\0\r\nPING\r\n"),
  waiting("NUL at the start", "\0\r\nPING\r\n"),
  waiting("NUL in a count", `*\0\r\n${PING}`),
  waiting("NUL in a length", "*1\r\n$\0\r\n"),
  waiting("NUL for a bulk", "*1\r\n\0\r\n"),
  closed("NUL and then 64 KiB", `\0${"x".repeat(65_536)}`, "too big inline request"),
  closed(
    "NUL in a count and then 64 KiB",
    `*\0${"x".repeat(65_535)}`,
    "too big mbulk count string",
  ),
  closed(
    "NUL in a length and then 64 KiB",
    `*1\r\n$\0${"x".repeat(65_535)}`,
    "too big bulk count string",
  ),
  open("NUL in an argument", "*2\r\n$4\r\nECHO\r\n$3\r\na\0b\r\n", "$3\r\na\0b\r\n"),
];

// ---- Inline ----

function unknown(name: string, args = ""): string {
  return `-ERR unknown command '${name}', with args beginning with: ${args}\r\n`;
}

const UNBALANCED = "unbalanced quotes in request";

const inline: ProtocolCase[] = [
  open("inline", "PING\r\n", PONG),
  open("LF only", "PING\nPING\n", PONG + PONG),
  open("CR CR LF", "PING\r\r\n", PONG),
  waiting("CR only", "PING\rPING\r"),
  open("empty lines", `\r\n\n${PING}\r\nPING\r\n\r\n`, PONG + PONG),
  {
    ...open("a blank line before an array", ` \t\r\n${PING}`, PONG),
    valkey: { reply: `${unknown("*1")}${unknown("$4")}${PONG}`, end: "open" },
    reason: "Valkey 8.0 reads an array behind a blank line as inline requests (CVE-2026-27623)",
  },
  open(
    "empty lines, empty arrays and both kinds of request",
    `*0\r\n\r\n*-1\r\n${PING}\r\nPING\r\n*0\r\n\n${PING}*-1\r\nPING\n`,
    PONG.repeat(4),
  ),
  open(
    "double quotes",
    'ECHO "a b\\x41\\n\\t\\q\\xZ"\r\n',
    "$10\r\na bA\n\tqxZ\r\n".replace("$10", "$9"),
  ),
  open("single quotes", "ECHO 'a\\'b\\n'\r\n", "$5\r\na'b\\n\r\n"),
  open("empty quotes", 'ECHO ""\r\n', "$0\r\n\r\n"),
  open("quotes inside a word", 'ECHO a"b c"\r\n', "$4\r\nab c\r\n"),
  open("vertical tab at a word's end", "ECHO\ta\v\r\n", "$2\r\na\v\r\n"),
  closed("an open double quote", 'ECHO "abc\r\n', UNBALANCED),
  closed("an open single quote", "ECHO 'abc\r\n", UNBALANCED),
  closed("a word behind a quote", 'ECHO "a"b\r\n', UNBALANCED),
  closed("an error behind inline commands", 'PING\r\n"\r\n', UNBALANCED, PONG),
  open(
    "line ends in names and arguments",
    '"a\\r\\nb" "c\\r\\n+OK\\x00d"\r\n',
    unknown("a  b", "'c  +OK' "),
  ),
  open(
    "replies as requests",
    "+OK\r\n:1\r\n$3\r\n",
    unknown("+OK") + unknown(":1") + unknown("$3"),
  ),
  { name: "POST", bytes: "POST / HTTP/1.1\r\n", reply: "", end: "closed" },
  { name: "Host:", bytes: "hOsT: example\r\n", reply: "", end: "closed" },
  { name: "POST as an array", bytes: "*1\r\n$4\r\npost\r\n", reply: "", end: "closed" },
  {
    name: "Host: as an array",
    bytes: "*2\r\n$5\r\nHOST:\r\n$1\r\nx\r\n",
    reply: "",
    end: "closed",
  },
];

export const protocolCases: readonly ProtocolCase[] = [...lengths, ...lineEnds, ...long, ...inline];

/** Runs a case; returns what was received and how it ended, to be compared with `expectedOf`. */
export async function runProtocolCase(
  connect: Connect,
  bytes: string,
  end: ProtocolEnd,
): Promise<Outcome> {
  using connection = await connect();
  const nonce = `$${NONCE.length}\r\n${NONCE}\r\n`;
  if (end === "open") {
    await connection.send(
      Buffer.concat([Buffer.from(bytes, "latin1"), encodeRequest("ECHO", NONCE)]),
    );
    await connection.endsWith(nonce);
    return { reply: connection.received.slice(0, -nonce.length), end };
  }
  await connection.send(bytes);
  if (end === "waiting") connection.endSending();
  await connection.closed();
  return { reply: connection.received, end };
}

/** What a server of this kind must answer. */
export function expectedOf(theCase: ProtocolCase, kind: "ours" | "valkey" | "redis"): Outcome {
  const { reply, end } = (kind === "redis" ? undefined : theCase[kind]) ?? theCase;
  return { reply, end };
}

// ---- Pieces ----

/** Requests of every kind, and their replies: to be cut everywhere. */
export const PIECES_STREAM = [
  "*3\r\n$3\r\nSET\r\n$6\r\nproto:\r\n$7\r\na\r\n\0$*b\r\n",
  "*2\r\n$3\r\nGET\r\n$6\r\nproto:\r\n",
  "*0\r\n",
  PING,
  "\r\n",
  'ECHO "a\\x41 b"\r\n',
  "*-1\r\n",
  "PING\n",
  "*1\r\n$6\r\nNOSUCH\r\n",
  `*2\r\n$4\r\nECHO\r\n$12\r\n${"z".repeat(12)}\r\n`,
].join("");

export const PIECES_REPLY = [
  "+OK\r\n",
  "$7\r\na\r\n\0$*b\r\n",
  PONG,
  "$4\r\naA b\r\n",
  PONG,
  unknown("NOSUCH"),
  "$12\r\nzzzzzzzzzzzz\r\n",
].join("");

/** Streams that end with an error, which must be the same one however they are cut. */
export const PIECES_ERRORS: readonly string[] = [
  "*1\r\n*1\r\n",
  "*1\r\n$-1\r\n",
  "*x\r\n",
  'ECHO "a\r\n',
  "*2147483648\r\n",
];

/**
 * Sends `pieces` one after the other, each when the server has had the chance to read the one
 * before: `barrier` is a round trip on another connection. Returns what was received when
 * `reply` is complete or the server has closed.
 */
export async function sendPieces(
  connect: Connect,
  barrier: () => Promise<void>,
  pieces: readonly string[],
  reply: string,
): Promise<string> {
  using connection = await connect();
  for (const piece of pieces) {
    await connection.send(piece);
    await barrier();
  }
  await connection.endsWith(reply);
  return connection.received;
}
