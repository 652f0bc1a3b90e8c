/**
 * The connection family: what a client says about itself and its connection. PING ECHO HELLO AUTH
 * SELECT QUIT RESET.
 *
 * HELLO and SELECT change the session; the connection's reply writer follows the protocol at once,
 * so that the reply to HELLO already speaks it. CLIENT has a file of its own (client.ts).
 *
 * Passwords are compared as SHA-256 digests in constant time; there is one user, "default", and no
 * ACL. A connection is closed behind its AUTH_FAILURES_MAX-th wrong password.
 */
import { timingSafeEqual } from "node:crypto";
import { AUTH_FAILURES_MAX } from "../base/limits.ts";
import { Stat } from "../base/server-stats.ts";
import { digestOf } from "../base/settings.ts";
import { errorTexts, helloSyntax, wrongArgumentsCount } from "../resp/errors.ts";
import { arg, block } from "./arguments.ts";
import { clientCommand } from "./client.ts";
import { isValidName, setName } from "./client-name.ts";
import type { CommandSpec } from "./command.ts";
import type { Context } from "./context.ts";
import { unsubscribeSilently } from "./pubsub.ts";
import { REDIS_VERSION } from "./version.ts";

const PROTOCOL_MIN = 2;
const PROTOCOL_MAX = 3;

function ping(c: Context): void {
  if (c.session.subscriber?.isLimited === true && c.count <= 2) pingSubscribed(c);
  else if (c.count === 1) c.out.pong();
  else if (c.count === 2) c.out.bulk(c.bytes, c.start(1), c.length(1));
  else c.out.error(wrongArgumentsCount("ping"));
}

/** Among the messages of a RESP2 subscriber, a reply must look like one of them. */
function pingSubscribed(c: Context): void {
  c.out.arrayHeader(2);
  c.out.bulkText("pong");
  if (c.count === 1) c.out.bulkText("");
  else c.out.bulk(c.bytes, c.start(1), c.length(1));
}

function echo(c: Context): void {
  c.out.bulk(c.bytes, c.start(1), c.length(1));
}

function select(c: Context): void {
  if (!c.integer(1)) return;
  if (c.value !== (c.value | 0)) {
    c.out.error(errorTexts.notInteger);
    return;
  }
  if (c.value < 0 || c.value >= c.settings.databases) {
    c.out.error(errorTexts.databaseOutOfRange);
    return;
  }
  c.session.db = c.value;
  c.out.ok();
}

function quit(c: Context): void {
  c.session.closeAfterReply = true;
  c.out.ok();
}

function reset(c: Context): void {
  unsubscribeSilently(c);
  c.session.reset(c.settings.passwordDigest !== null);
  c.out.resp3 = false;
  c.store.leavesAccess = false;
  c.out.simple("RESET");
}

function auth(c: Context): void {
  if (c.count > 3) {
    c.out.error(errorTexts.syntax);
    return;
  }
  if (c.count === 2 && c.settings.passwordDigest === null) {
    c.out.error(errorTexts.authWithoutPassword);
    return;
  }
  if (authenticate(c, c.count === 3 ? 1 : 0, c.count - 1)) c.out.ok();
}

/**
 * Checks the password in argument `passwordAt` (and the user name, unless `userAt` is 0). Writes
 * the error when wrong.
 */
function authenticate(c: Context, userAt: number, passwordAt: number): boolean {
  const isUser = userAt === 0 || c.text(userAt) === "default";
  const expected = c.settings.passwordDigest;
  // The digest is made in any case, so that the time does not tell whether the user exists.
  const given = digestOf(c.text(passwordAt));
  const isRight = isUser && (expected === null || timingSafeEqual(given, expected));
  if (isRight) {
    c.session.isAuthenticated = true;
    return true;
  }
  c.server.stats.own[Stat.AuthDenied] = (c.server.stats.own[Stat.AuthDenied] ?? 0) + 1;
  if (++c.session.authFailures >= AUTH_FAILURES_MAX) c.session.closeAfterReply = true;
  c.out.error(errorTexts.wrongPassword);
  return false;
}

function hello(c: Context): void {
  let protocol: number = c.session.protocol;
  if (c.count > 1) {
    if (!c.parseInteger(1)) {
      c.out.error(errorTexts.protocolNotInteger);
      return;
    }
    protocol = c.value;
    if (protocol < PROTOCOL_MIN || protocol > PROTOCOL_MAX) {
      c.out.error(errorTexts.protocolUnsupported);
      return;
    }
  }
  if (!applyHelloOptions(c)) return;
  c.session.speak(protocol === PROTOCOL_MAX ? 3 : 2);
  c.out.resp3 = c.session.protocol === 3;
  writeHello(c);
}

/**
 * [AUTH username password] [SETNAME clientname]; nothing is applied before all of it has been read.
 */
function applyHelloOptions(c: Context): boolean {
  let userAt = 0;
  let nameAt = 0;
  for (let i = 2; i < c.count; ) {
    if (c.is(i, "AUTH") && i + 2 < c.count) {
      userAt = i + 1;
      i += 3;
    } else if (c.is(i, "SETNAME") && i + 1 < c.count) {
      nameAt = i + 1;
      if (!isValidName(c, nameAt)) return fail(c, errorTexts.clientNameInvalid);
      i += 2;
    } else {
      return fail(c, helloSyntax(c.text(i)));
    }
  }
  if (userAt > 0 && !authenticate(c, userAt, userAt + 1)) return false;
  if (!c.session.isAuthenticated && c.settings.passwordDigest !== null) {
    return fail(c, errorTexts.helloNoAuth);
  }
  if (nameAt > 0) setName(c, nameAt);
  return true;
}

function writeHello(c: Context): void {
  const out = c.out;
  out.mapHeader(7);
  out.bulkText("server");
  out.bulkText("redis");
  out.bulkText("version");
  out.bulkText(REDIS_VERSION);
  out.bulkText("proto");
  out.integer(c.session.protocol);
  out.bulkText("id");
  out.integer(c.session.id);
  out.bulkText("mode");
  out.bulkText("standalone");
  out.bulkText("role");
  out.bulkText("master");
  out.bulkText("modules");
  out.arrayHeader(0);
}

function fail(c: Context, text: string): false {
  c.out.error(text);
  return false;
}

const HANDSHAKE_FLAGS = ["noscript", "loading", "stale", "fast", "no_auth", "allow_busy"] as const;

export const connectionCommands: readonly CommandSpec[] = [
  {
    name: "ping",
    arity: -1,
    flags: ["fast"],
    group: "connection",
    since: "1.0.0",
    summary: "Answers PONG, or the message that it was given.",
    complexity: "O(1)",
    tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
    arguments: [arg("message", "string", { optional: true })],
    run: ping,
  },
  {
    name: "echo",
    arity: 2,
    flags: ["loading", "stale", "fast"],
    group: "connection",
    since: "1.0.0",
    summary: "Answers the message that it was given.",
    complexity: "O(1)",
    arguments: [arg("message", "string")],
    run: echo,
  },
  {
    name: "hello",
    arity: -1,
    flags: HANDSHAKE_FLAGS,
    group: "connection",
    since: "6.0.0",
    summary:
      "Agrees on the protocol version, and optionally authenticates and names the connection.",
    complexity: "O(1)",
    arguments: [
      block(
        "arguments",
        [
          arg("protover", "integer"),
          block("auth", [arg("username", "string"), arg("password", "string")], {
            token: "AUTH",
            optional: true,
          }),
          arg("clientname", "string", { token: "SETNAME", optional: true }),
        ],
        { optional: true },
      ),
    ],
    run: hello,
  },
  {
    name: "auth",
    arity: -2,
    flags: HANDSHAKE_FLAGS,
    group: "connection",
    since: "1.0.0",
    summary: "Authenticates the connection with a password.",
    complexity: "O(N) where N is the number of passwords defined for the user",
    arguments: [
      arg("username", "string", { optional: true, since: "6.0.0" }),
      arg("password", "string"),
    ],
    run: auth,
  },
  {
    name: "select",
    arity: 2,
    flags: ["loading", "stale", "fast"],
    group: "connection",
    since: "1.0.0",
    summary: "Chooses the database that the connection works on.",
    complexity: "O(1)",
    arguments: [arg("index", "integer")],
    run: select,
  },
  {
    name: "quit",
    arity: -1,
    flags: HANDSHAKE_FLAGS,
    group: "connection",
    since: "1.0.0",
    summary: "Closes the connection once its replies have been sent.",
    complexity: "O(1)",
    run: quit,
  },
  {
    name: "reset",
    arity: 1,
    flags: HANDSHAKE_FLAGS,
    group: "connection",
    since: "6.2.0",
    summary: "Puts the connection back into the state of a new one.",
    complexity: "O(1)",
    run: reset,
  },
  clientCommand,
];
