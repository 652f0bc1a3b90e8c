/**
 * The pub/sub family: SUBSCRIBE UNSUBSCRIBE PSUBSCRIBE PUNSUBSCRIBE SSUBSCRIBE SUNSUBSCRIBE PUBLISH
 * SPUBLISH PUBSUB.
 *
 * Each name of a (un)subscription is confirmed by a message of its own, which CLIENT REPLY does not
 * silence. All names of one command are entered at one moment: nothing that anybody publishes comes
 * between them. A command that cannot go on at once (pubsub/pubsub.ts says when) replies later.
 *
 * Without a cluster every shard channel is on this server: they are channels with a name space of
 * their own, and no patterns.
 */
import { CHANNEL_SIZE_MAX } from "../base/limits.ts";
import { TopicKind } from "../pubsub/layout.ts";
import { MUST_WAIT, Refusal } from "../pubsub/pubsub.ts";
import type { Subscriber } from "../pubsub/subscriber.ts";
import { errorTexts, unknownSubcommandOrCount } from "../resp/errors.ts";
import type { ReplyWriter } from "../resp/writer.ts";
import { arg } from "./arguments.ts";
import { type CommandFlag, type CommandSpec, runContainer } from "./command.ts";
import type { Context } from "./context.ts";
import { helpCommand } from "./help.ts";
import { ReplyMode, type Session } from "./session.ts";

const CONFIRMED = ["subscribe", "psubscribe", "ssubscribe"] as const;
const TAKEN_BACK = ["unsubscribe", "punsubscribe", "sunsubscribe"] as const;

// ---- Subscribing ----

function subscribe(c: Context, kind: TopicKind): void {
  c.isPush = true;
  const { session } = c;
  session.subscriber ??= c.server.subscriberOf(session);
  const { subscriber } = session;
  subscriber.resp3 = session.protocol === 3;
  if (!c.server.pubsub.settle(subscriber, c.out)) {
    subscribeLater(c, kind, subscriber);
    return;
  }
  for (let i = 1; i < c.count; i++) {
    const start = c.start(i);
    const refusal = c.server.pubsub.subscribe(subscriber, kind, c.bytes, start, c.length(i));
    confirm(c.out, kind, refusal, c.bytes, start, c.length(i), countOf(subscriber, kind));
  }
  c.server.pubsub.release();
}

function subscribeLater(c: Context, kind: TopicKind, subscriber: Subscriber): void {
  const names = namesFrom(c, 1);
  const { pubsub } = c.server;
  runLater(c, subscriber, () => {
    const results = names.map((name) => ({
      name,
      refusal: pubsub.subscribe(subscriber, kind, name, 0, name.length),
      count: countOf(subscriber, kind),
    }));
    return (out) => {
      for (const { name, refusal, count } of results) {
        confirm(out, kind, refusal, name, 0, name.length, count);
      }
    };
  });
}

function confirm(
  out: ReplyWriter,
  kind: TopicKind,
  refusal: Refusal,
  name: Buffer,
  start: number,
  length: number,
  count: number,
): void {
  if (refusal !== Refusal.None) {
    out.error(refusalText(kind, refusal));
    return;
  }
  out.pushHeader(3);
  out.bulkText(CONFIRMED[kind]);
  out.bulk(name, start, length);
  out.integer(count);
}

function refusalText(kind: TopicKind, refusal: Refusal): string {
  if (refusal === Refusal.ClientLimit) return errorTexts.clientSubscriptions;
  if (refusal === Refusal.ServerLimit) return errorTexts.serverSubscriptions;
  return kind === TopicKind.Pattern ? errorTexts.patternTooLong : errorTexts.channelTooLong;
}

// ---- Unsubscribing ----

function unsubscribe(c: Context, kind: TopicKind): void {
  c.isPush = true;
  const { subscriber } = c.session;
  // Nothing of that kind to take back: no message can be on its way either.
  if (subscriber === null || subscriber.of(kind).size === 0) {
    const names = namesFrom(c, 1).map(keyOf);
    const count = subscriber === null ? 0 : countOf(subscriber, kind);
    writeTakenBack(c.out, kind, names, new Array(Math.max(names.length, 1)).fill(count));
    return;
  }
  if (c.server.pubsub.settle(subscriber, c.out)) {
    takeBack(c, kind, subscriber, namesFrom(c, 1))(c.out);
    c.server.pubsub.release();
    return;
  }
  const names = namesFrom(c, 1);
  runLater(c, subscriber, () => takeBack(c, kind, subscriber, names));
}

/** Takes back `names`, or everything when there are none; returns what writes that. */
function takeBack(
  c: Context,
  kind: TopicKind,
  subscriber: Subscriber,
  names: readonly Buffer[],
): (out: ReplyWriter) => void {
  const keys = names.length > 0 ? names.map(keyOf) : [...subscriber.of(kind).keys()];
  const counts = keys.map((key) => {
    c.server.pubsub.unsubscribe(subscriber, kind, key);
    return countOf(subscriber, kind);
  });
  return (out) => writeTakenBack(out, kind, keys, counts);
}

/** `keys` in latin1; none: the client was subscribed to nothing of that kind. */
function writeTakenBack(
  out: ReplyWriter,
  kind: TopicKind,
  keys: readonly string[],
  counts: readonly number[],
): void {
  if (keys.length === 0) {
    writeOne(out, kind, null, counts[0] ?? 0);
    return;
  }
  for (const [i, key] of keys.entries()) writeOne(out, kind, key, counts[i] as number);
}

function writeOne(out: ReplyWriter, kind: TopicKind, key: string | null, count: number): void {
  out.pushHeader(3);
  out.bulkText(TAKEN_BACK[kind]);
  if (key === null) out.null();
  else out.bulkLatin1(key);
  out.integer(count);
}

/** RESET: what was published before still comes, in front of the reply; nothing is confirmed. */
export function unsubscribeSilently(c: Context): void {
  const { subscriber } = c.session;
  if (subscriber === null || subscriber.count === 0) return;
  if (c.server.pubsub.settle(subscriber, c.out)) c.server.pubsub.release();
  c.server.pubsub.clear(subscriber);
}

// ---- Both ----

/** Replies when everything that was published before has been delivered. */
function runLater(c: Context, subscriber: Subscriber, run: () => (out: ReplyWriter) => void): void {
  const { promise, resolve } = Promise.withResolvers<(out: ReplyWriter) => void>();
  function finish(): void {
    const write = run();
    resolve((out) => {
      c.isPush = true;
      write(out);
    });
  }
  c.server.pubsub.whenSettled(subscriber, finish, () => resolve(() => {}));
  c.defer(promise);
}

function namesFrom(c: Context, first: number): Buffer[] {
  const names: Buffer[] = [];
  for (let i = first; i < c.count; i++) names.push(c.copyOf(i));
  return names;
}

function keyOf(name: Buffer): string {
  return name.toString("latin1");
}

/** The number in confirmations: channels and patterns together, shard channels by themselves. */
function countOf(subscriber: Subscriber, kind: TopicKind): number {
  return kind === TopicKind.Shard ? subscriber.shards.size : subscriber.channelsCount;
}

// ---- Publishing ----

/** Hot: once per message. */
function publish(c: Context, kind: TopicKind.Channel | TopicKind.Shard): void {
  const { pubsub } = c.server;
  const channelLength = c.length(1);
  if (channelLength > CHANNEL_SIZE_MAX) {
    c.out.error(errorTexts.channelTooLong);
    return;
  }
  const count = pubsub.publish(kind, c.bytes, c.start(1), channelLength, c.start(2), c.length(2));
  if (count === MUST_WAIT) publishLater(c, kind);
  else if (!c.session.isSubscribed) c.out.integer(count);
  else replySubscribed(c, c.session, count);
}

/** The client may get the message itself: behind the reply, and also when it wants no replies. */
function replySubscribed(c: Context, session: Session, count: number): void {
  if (session.replyMode === ReplyMode.On) c.out.integer(count);
  c.isPush = true;
  c.server.pubsub.deliverNow(session.subscriber as Subscriber, c.out);
}

function publishLater(c: Context, kind: TopicKind.Channel | TopicKind.Shard): void {
  const { promise, resolve } = Promise.withResolvers<(out: ReplyWriter) => void>();
  const [channelAt, messageAt] = [c.start(1), c.start(2)];
  const done = (count: number) => resolve((out) => out.integer(count));
  c.server.pubsub.publishLater(kind, c.bytes, channelAt, c.length(1), messageAt, c.length(2), done);
  c.defer(promise);
}

// ---- PUBSUB ----

function channels(c: Context, kind: TopicKind): void {
  if (c.count > 3) {
    c.out.error(unknownSubcommandOrCount(c.text(1), "pubsub"));
    return;
  }
  const names = c.server.pubsub.names(kind, c.count === 3 ? c.copyOf(2) : null);
  c.out.arrayHeader(names.length);
  for (const name of names) c.out.bulk(name, 0, name.length);
}

function numSub(c: Context, kind: TopicKind): void {
  c.out.arrayHeader((c.count - 2) * 2);
  for (let i = 2; i < c.count; i++) {
    c.out.bulk(c.bytes, c.start(i), c.length(i));
    c.out.integer(c.server.pubsub.subscribersOf(kind, c.bytes, c.start(i), c.length(i)));
  }
}

function numPat(c: Context): void {
  c.out.integer(c.server.pubsub.directory.count(TopicKind.Pattern));
}

// ---- The table ----

const FLAGS: readonly CommandFlag[] = ["pubsub", "noscript", "loading", "stale"];
const PUBLISH_FLAGS: readonly CommandFlag[] = ["pubsub", "loading", "stale", "fast"];
const LOOK_FLAGS: readonly CommandFlag[] = ["pubsub", "loading", "stale"];
const PER_NAME = "O(N) where N is the number of names";
const SHARDS = { keys: { first: 1, last: -1, step: 1 }, keyFlags: ["not_key"], since: "7.0.0" };

const channelNames = arg("channel", "string", { multiple: true });
const anyChannels = arg("channel", "string", { optional: true, multiple: true });
const patternArgument = arg("pattern", "pattern", { multiple: true });
const anyPatterns = arg("pattern", "pattern", { optional: true, multiple: true });
const shardNames = arg("shardchannel", "string", { multiple: true });
const anyShards = arg("shardchannel", "string", { optional: true, multiple: true });
const onePattern = arg("pattern", "pattern", { optional: true });

type Extra = Partial<CommandSpec> & Pick<CommandSpec, "summary" | "run">;

function spec(name: string, arity: number, more: Extra): CommandSpec {
  return {
    name,
    arity,
    flags: FLAGS,
    group: "pubsub",
    since: "2.0.0",
    complexity: PER_NAME,
    ...more,
  };
}

function look(name: string, arity: number, more: Extra): CommandSpec {
  return spec(`pubsub|${name}`, arity, { flags: LOOK_FLAGS, since: "2.8.0", ...more });
}

const subcommands: readonly CommandSpec[] = [
  look("channels", -2, {
    summary: "Lists the channels that have subscribers.",
    arguments: [onePattern],
    run: (c) => channels(c, TopicKind.Channel),
  }),
  look("numsub", -2, {
    summary: "Counts the subscribers of channels.",
    arguments: [anyChannels],
    run: (c) => numSub(c, TopicKind.Channel),
  }),
  look("numpat", 2, {
    summary: "Counts the patterns that have subscribers.",
    complexity: "O(1)",
    run: numPat,
  }),
  look("shardchannels", -2, {
    summary: "Lists the shard channels that have subscribers.",
    since: "7.0.0",
    arguments: [onePattern],
    run: (c) => channels(c, TopicKind.Shard),
  }),
  look("shardnumsub", -2, {
    summary: "Counts the subscribers of shard channels.",
    since: "7.0.0",
    arguments: [anyShards],
    run: (c) => numSub(c, TopicKind.Shard),
  }),
  helpCommand("pubsub", "pubsub", "6.2.0", [
    [
      "CHANNELS [<pattern>]",
      "Return the currently active channels matching a <pattern> (default: '*').",
    ],
    ["NUMPAT", "Return number of subscriptions to patterns."],
    [
      "NUMSUB [<channel> ...]",
      "Return the number of subscribers for the specified channels, excluding",
      "pattern subscriptions(default: no channels).",
    ],
    [
      "SHARDCHANNELS [<pattern>]",
      "Return the currently active shard level channels matching a <pattern> (default: '*').",
    ],
    [
      "SHARDNUMSUB [<shardchannel> ...]",
      "Return the number of subscribers for the specified shard level channel(s)",
    ],
  ]),
];

export const pubsubCommands: readonly CommandSpec[] = [
  spec("subscribe", -2, {
    summary: "Listens to channels.",
    arguments: [channelNames],
    run: (c) => subscribe(c, TopicKind.Channel),
  }),
  spec("unsubscribe", -1, {
    summary: "Stops listening to channels, or to all of them.",
    arguments: [anyChannels],
    run: (c) => unsubscribe(c, TopicKind.Channel),
  }),
  spec("psubscribe", -2, {
    summary: "Listens to all channels whose name matches one of the patterns.",
    arguments: [patternArgument],
    run: (c) => subscribe(c, TopicKind.Pattern),
  }),
  spec("punsubscribe", -1, {
    summary: "Stops listening to patterns, or to all of them.",
    arguments: [anyPatterns],
    run: (c) => unsubscribe(c, TopicKind.Pattern),
  }),
  spec("ssubscribe", -2, {
    ...SHARDS,
    summary: "Listens to shard channels.",
    arguments: [shardNames],
    run: (c) => subscribe(c, TopicKind.Shard),
  }),
  spec("sunsubscribe", -1, {
    ...SHARDS,
    summary: "Stops listening to shard channels, or to all of them.",
    arguments: [anyShards],
    run: (c) => unsubscribe(c, TopicKind.Shard),
  }),
  spec("publish", 3, {
    flags: PUBLISH_FLAGS,
    summary: "Sends a message to everybody who listens to the channel.",
    complexity: "O(N+M) where N is the number of subscribers and M the number of all patterns",
    arguments: [arg("channel", "string"), arg("message", "string")],
    run: (c) => publish(c, TopicKind.Channel),
  }),
  spec("spublish", 3, {
    ...SHARDS,
    keys: { first: 1, last: 1, step: 1 },
    flags: PUBLISH_FLAGS,
    summary: "Sends a message to everybody who listens to the shard channel.",
    complexity: "O(N) where N is the number of subscribers",
    arguments: [arg("shardchannel", "string"), arg("message", "string")],
    run: (c) => publish(c, TopicKind.Shard),
  }),
  spec("pubsub", -2, {
    flags: [],
    since: "2.8.0",
    summary: "Looks at channels, patterns and their subscribers.",
    complexity: "Depends on subcommand.",
    subcommands,
    run: runContainer,
  }),
];
