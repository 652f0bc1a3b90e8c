/**
 * CLIENT: names, reply mode, and looking at or closing the connections of all Workers.
 *
 * LIST and KILL concern every Worker: they ask all of them and reply when the answers are in.
 * Not here: TRACKING, PAUSE and UNBLOCK, which need features that the server does not have.
 */
import {
  clientInfoInvalid,
  errorTexts,
  noSuchUser,
  unknownClientType,
  unrecognizedClientOption,
} from "../resp/errors.ts";
import type { ReplyWriter } from "../resp/writer.ts";
import { arg, oneOf, onOffArgument, token } from "./arguments.ts";
import { type ClientLine, type ClientType, clientLine, type KillFilter } from "./client-list.ts";
import { isValidName, setName } from "./client-name.ts";
import { type CommandFlag, type CommandSpec, runContainer } from "./command.ts";
import type { Context } from "./context.ts";
import { helpCommand } from "./help.ts";
import { ReplyMode } from "./session.ts";

function clientId(c: Context): void {
  c.out.integer(c.session.id);
}

function getName(c: Context): void {
  if (c.session.name === "") c.out.null();
  else c.out.bulkText(c.session.name);
}

function clientSetName(c: Context): void {
  if (!isValidName(c, 2)) {
    c.out.error(errorTexts.clientNameInvalid);
    return;
  }
  setName(c, 2);
  c.out.ok();
}

function setInfo(c: Context): void {
  const isLibName = c.is(2, "LIB-NAME");
  if (!isLibName && !c.is(2, "LIB-VER")) {
    c.out.error(unrecognizedClientOption(c.text(2)));
    return;
  }
  if (!isValidName(c, 3)) {
    c.out.error(clientInfoInvalid(c.text(2)));
    return;
  }
  if (isLibName) c.session.libName = c.text(3);
  else c.session.libVersion = c.text(3);
  c.out.ok();
}

function info(c: Context): void {
  c.out.verbatim(`${clientLine(c.session, c.nowMs)}\n`);
}

function list(c: Context): void {
  let type: ClientType | null = null;
  let ids: number[] | null = null;
  if (c.count === 4 && c.is(2, "TYPE")) {
    type = clientType(c, 3);
    if (type === null) return;
  } else if (c.count > 3 && c.is(2, "ID")) {
    ids = parseIds(c);
    if (ids === null) return;
  } else if (c.count !== 2) {
    c.out.error(errorTexts.syntax);
    return;
  }
  c.defer(c.server.peers.ask("client-list", null).then((answers) => listReply(answers, type, ids)));
}

function listReply(answers: unknown[], type: ClientType | null, ids: number[] | null) {
  let lines = (answers as ClientLine[][]).flat();
  if (type !== null) lines = lines.filter((line) => line.type === type);
  lines.sort((a, b) => a.id - b.id);
  if (ids !== null) {
    const all = lines;
    lines = ids.flatMap((id) => all.find((line) => line.id === id) ?? []);
  }
  const text = lines.map((line) => `${line.line}\n`).join("");
  return (out: ReplyWriter) => out.verbatim(text);
}

function parseIds(c: Context): number[] | null {
  const ids: number[] = [];
  for (let i = 3; i < c.count; i++) {
    if (!c.parseInteger(i)) {
      c.out.error(errorTexts.clientIdInvalid);
      return null;
    }
    ids.push(c.value);
  }
  return ids;
}

/** The client type in argument `i`; null when an error has been written. */
function clientType(c: Context, i: number): ClientType | null {
  if (c.is(i, "NORMAL")) return "normal";
  if (c.is(i, "MASTER") || c.is(i, "PRIMARY")) return "master";
  if (c.is(i, "REPLICA") || c.is(i, "SLAVE")) return "replica";
  if (c.is(i, "PUBSUB")) return "pubsub";
  c.out.error(unknownClientType(c.text(i)));
  return null;
}

function kill(c: Context): void {
  const isOldForm = c.count === 3;
  const filter = isOldForm ? { ...noFilter(c), address: c.text(2), isSingle: true } : parseKill(c);
  if (filter === null) return;
  const answers = c.server.peers.ask("client-kill", filter);
  c.defer(
    answers.then((counts) => {
      const killedCount = (counts as number[]).reduce((sum, count) => sum + count, 0);
      return (out: ReplyWriter) => {
        if (!isOldForm) out.integer(killedCount);
        else if (killedCount > 0) out.ok();
        else out.error(errorTexts.clientNotFound);
      };
    }),
  );
}

/** The old form closes the client that asks too; the new one spares it unless SKIPME says no. */
function noFilter(c: Context): KillFilter {
  return {
    id: null,
    type: null,
    address: null,
    localAddress: null,
    ageSecondsMin: null,
    isSkippingMe: false,
    requesterId: c.session.id,
    isSingle: false,
  };
}

function parseKill(c: Context): KillFilter | null {
  const filter: { -readonly [K in keyof KillFilter]: KillFilter[K] } = noFilter(c);
  filter.isSkippingMe = true;
  for (let i = 2; i < c.count; i += 2) {
    if (i + 1 >= c.count) return failNull(c, errorTexts.syntax);
    if (c.is(i, "ID")) {
      filter.id = c.parseInteger(i + 1) ? c.value : 0;
      if (filter.id < 1) return failNull(c, errorTexts.clientIdNotPositive);
    } else if (c.is(i, "MAXAGE")) {
      if (!c.parseInteger(i + 1))
        return failNull(c, "ERR maxage is not an integer or out of range");
      if (c.value < 1) return failNull(c, "ERR maxage should be greater than 0");
      filter.ageSecondsMin = c.value;
    } else if (c.is(i, "TYPE")) {
      filter.type = clientType(c, i + 1);
      if (filter.type === null) return null;
    } else if (c.is(i, "ADDR")) {
      filter.address = c.text(i + 1);
    } else if (c.is(i, "LADDR")) {
      filter.localAddress = c.text(i + 1);
    } else if (c.is(i, "USER")) {
      // There is one user, and everybody is it: the name filters nothing out.
      if (c.text(i + 1) !== "default") return failNull(c, noSuchUser(c.text(i + 1)));
    } else if (c.is(i, "SKIPME") && (c.is(i + 1, "YES") || c.is(i + 1, "NO"))) {
      filter.isSkippingMe = c.is(i + 1, "YES");
    } else {
      return failNull(c, errorTexts.syntax);
    }
  }
  return filter;
}

function failNull(c: Context, text: string): null {
  c.out.error(text);
  return null;
}

function reply(c: Context): void {
  if (c.is(2, "ON")) {
    c.session.replyMode = ReplyMode.On;
    c.out.ok();
  } else if (c.is(2, "OFF")) {
    c.session.replyMode = ReplyMode.Off;
  } else if (c.is(2, "SKIP")) {
    // While replies are off, there is nothing to skip.
    if (c.session.replyMode !== ReplyMode.Off) c.session.replyMode = ReplyMode.SkipNext;
  } else {
    c.out.error(errorTexts.syntax);
  }
}

function noEvict(c: Context): void {
  const isOn = onOff(c);
  if (isOn !== null) c.session.noEvict = isOn;
}

function noTouch(c: Context): void {
  const isOn = onOff(c);
  if (isOn === null) return;
  c.session.noTouch = isOn;
  // Dispatch sets it at the beginning of a batch; what is left of this one follows at once.
  c.store.leavesAccess = isOn;
}

/** Argument 2 as ON or OFF, with the reply written in every case; null when it is neither. */
function onOff(c: Context): boolean | null {
  const isOn = c.is(2, "ON");
  if (!isOn && !c.is(2, "OFF")) {
    c.out.error(errorTexts.syntax);
    return null;
  }
  c.out.ok();
  return isOn;
}

const OWN_FLAGS: readonly CommandFlag[] = ["noscript", "loading", "stale"];
const ADMIN_FLAGS: readonly CommandFlag[] = ["admin", "noscript", "loading", "stale"];

const typeArgument = oneOf(
  "client-type",
  [
    token("normal", "NORMAL"),
    token("master", "MASTER"),
    token("replica", "REPLICA"),
    token("pubsub", "PUBSUB"),
  ],
  { token: "TYPE", optional: true },
);

type Extra = Partial<Omit<CommandSpec, "name" | "arity" | "run" | "summary">>;

function sub(
  name: string,
  arity: number,
  run: (c: Context) => void,
  summary: string,
  more: Extra,
): CommandSpec {
  return {
    name: `client|${name}`,
    arity,
    flags: OWN_FLAGS,
    group: "connection",
    since: "2.4.0",
    summary,
    complexity: "O(1)",
    ...more,
    run,
  };
}

const ALL_NODES = ["request_policy:all_nodes", "response_policy:all_succeeded"];
const PER_CLIENT = "O(N) where N is the number of client connections";

const killFilters = [
  arg("client-id", "integer", { token: "ID", optional: true, since: "2.8.12" }),
  { ...typeArgument, since: "2.8.12" },
  arg("username", "string", { token: "USER", optional: true }),
  arg("addr", "string", { token: "ADDR", optional: true, since: "2.8.12" }),
  arg("laddr", "string", { token: "LADDR", optional: true, since: "6.2.0" }),
  oneOf("skipme", [token("yes", "YES"), token("no", "NO")], {
    token: "SKIPME",
    optional: true,
    since: "2.8.12",
  }),
  arg("maxage", "integer", { token: "MAXAGE", optional: true, since: "7.4.0" }),
];

const subcommands: readonly CommandSpec[] = [
  sub("id", 2, clientId, "Tells the number of this connection.", { since: "5.0.0" }),
  sub("getname", 2, getName, "Tells the name of this connection.", { since: "2.6.9" }),
  sub("setname", 3, clientSetName, "Names this connection.", {
    since: "2.6.9",
    tips: ALL_NODES,
    arguments: [arg("connection-name", "string")],
  }),
  sub("setinfo", 4, setInfo, "Notes the name or the version of the client library.", {
    since: "7.2.0",
    tips: ALL_NODES,
    arguments: [
      oneOf("attr", [
        arg("libname", "string", { token: "LIB-NAME" }),
        arg("libver", "string", { token: "LIB-VER" }),
      ]),
    ],
  }),
  sub("info", 2, info, "Describes this connection in one line.", {
    since: "6.2.0",
    tips: ["nondeterministic_output"],
  }),
  sub("list", -2, list, "Describes all connections, or some of them, a line for each.", {
    flags: ADMIN_FLAGS,
    complexity: PER_CLIENT,
    tips: ["nondeterministic_output"],
    arguments: [
      { ...typeArgument, since: "5.0.0" },
      arg("client-id", "integer", { token: "ID", optional: true, multiple: true, since: "6.2.0" }),
    ],
  }),
  sub("kill", -3, kill, "Closes connections.", {
    flags: ADMIN_FLAGS,
    complexity: PER_CLIENT,
    arguments: [
      oneOf("filter", [
        arg("old-format", "string"),
        oneOf("new-format", killFilters, { multiple: true }),
      ]),
    ],
  }),
  sub("reply", 3, reply, "Turns replies to this connection on or off, or skips the next one.", {
    since: "3.2.0",
    arguments: [oneOf("action", [token("on", "ON"), token("off", "OFF"), token("skip", "SKIP")])],
  }),
  sub("no-evict", 3, noEvict, "Spares this connection when clients are closed to save memory.", {
    flags: ADMIN_FLAGS,
    since: "7.0.0",
    arguments: [onOffArgument],
  }),
  sub("no-touch", 3, noTouch, "Keeps this connection from refreshing the keys that it reads.", {
    since: "7.2.0",
    arguments: [onOffArgument],
  }),
  helpCommand("client", "connection", "5.0.0", [
    ["GETNAME", "Return the name of the current connection."],
    ["ID", "Return the ID of the current connection."],
    ["INFO", "Return information about the current client connection."],
    ["KILL <ip:port>", "Kill connection made from <ip:port>."],
    [
      "KILL <option> <value> [<option> <value> [...]]",
      "Kill connections. Options are:",
      "* ADDR (<ip:port>|<unixsocket>:0), LADDR (<ip:port>|<unixsocket>:0)",
      "* TYPE (NORMAL|MASTER|REPLICA|PUBSUB), USER <username>",
      "* SKIPME (YES|NO), ID <client-id>, MAXAGE <maxage>",
    ],
    ["LIST [options ...]", "Return information about client connections. Options:", "* TYPE, ID"],
    ["NO-EVICT (ON|OFF)", "Protect current client connection from eviction."],
    ["NO-TOUCH (ON|OFF)", "Will not touch LRU/LFU stats when this mode is on."],
    ["REPLY (ON|OFF|SKIP)", "Control the replies sent to the current connection."],
    ["SETINFO (LIB-NAME|LIB-VER) <value>", "Set client meta attr."],
    ["SETNAME <name>", "Assign the name <name> to the current connection."],
  ]),
];

export const clientCommand: CommandSpec = {
  name: "client",
  arity: -2,
  flags: [],
  group: "connection",
  since: "2.4.0",
  summary: "Names, describes and closes client connections.",
  complexity: "Depends on subcommand.",
  subcommands,
  run: runContainer,
};
