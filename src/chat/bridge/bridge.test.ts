/** Parts of a bridge that need no server: envelopes, channels, gaps, back-off, rosters. */
import { expect, test } from "bun:test";
import {
  CHAT_BRIDGE_RETRY_MS_MAX,
  CHAT_BRIDGE_RETRY_MS_MIN,
  CHAT_BRIDGE_SERVERS_MAX,
  CHAT_BRIDGE_SILENCE_MS,
} from "../../base/limits.ts";
import { EntryKind, EntryWriter } from "../entry.ts";
import { openEnvelope, sealEnvelope } from "./envelope.ts";
import { BridgePeers, parseRosters } from "./peers.ts";
import { channelOf, retryMs, roomOf } from "./transport.ts";

const same = (text: string) => text;

test("sealEnvelope() and openEnvelope() agree; anything else is no envelope", () => {
  const writer = new EntryWriter();
  const head = { kind: EntryKind.Text, origin: 1, seq: 2, atMs: 3, run: 4, author: 4, clientId: 5 };
  writer.write({ ...head, room: "a", name: "Ada" }, "hello");
  const sealed = sealEnvelope(77, 8, writer.bytes, writer.length);
  const payload = Buffer.from("hello");
  const entry = { ...head, room: "a", name: "Ada", payload };
  expect(openEnvelope(sealed)).toEqual({ run: 77, seq: 8, entry });
  for (let size = 0; size < sealed.length; size++) {
    expect(openEnvelope(sealed.subarray(0, size))).toBeNull();
  }
  expect(openEnvelope(Buffer.from("hello, this is some other program's text"))).toBeNull();
});

test("roomOf() is the other way round of channelOf()", () => {
  const decode = (token: string) => Buffer.from(token, "base64url").toString();
  const encode = (room: string) => Buffer.from(room).toString("base64url");
  for (const room of ["lobby", "größe.1", null]) {
    expect(roomOf(channelOf(room, same), same)).toBe(room);
    expect(roomOf(channelOf(room, encode), decode)).toBe(room);
  }
  expect(roomOf("kv.chat.other", same)).toBeUndefined();
});

test("retryMs() doubles up to its bound", () => {
  expect(retryMs(0)).toBe(CHAT_BRIDGE_RETRY_MS_MIN);
  expect(retryMs(1)).toBe(CHAT_BRIDGE_RETRY_MS_MIN * 2);
  expect(retryMs(1000)).toBe(CHAT_BRIDGE_RETRY_MS_MAX);
});

test("BridgePeers.note() finds what is missing, in messages and behind the last one", () => {
  const peers = new BridgePeers();
  expect(peers.note(1, 10, true, 0)).toBe(0);
  expect(peers.note(1, 11, true, 0)).toBe(0);
  expect(peers.note(1, 14, true, 0)).toBe(2);
  expect(peers.note(1, 14, false, 0)).toBe(0);
  expect(peers.note(1, 17, false, 0)).toBe(3);
  expect(peers.note(1, 16, true, 0)).toBe(0);
  expect(peers.note(2, 99, false, 0)).toBe(0);
});

test("BridgePeers merges rosters, and forgets those of servers that are silent", () => {
  const peers = new BridgePeers();
  const ada = { id: "1", name: "Ada" };
  const ben = { id: "2", name: "Ben" };
  peers.note(1, 0, false, 0);
  peers.note(2, 0, false, 1000);
  peers.setRosters(1, { a: { count: 2, members: [ada] } });
  peers.setRosters(2, { a: { count: 1, members: [ben] }, b: { count: 1, members: [] } });
  peers.setRosters(3, { a: { count: 9, members: [] } });
  expect(peers.merged()).toEqual({
    a: { count: 3, members: [ada, ben] },
    b: { count: 1, members: [] },
  });
  peers.expire(CHAT_BRIDGE_SILENCE_MS + 1);
  expect(peers.merged().a).toEqual({ count: 1, members: [ben] });
  peers.remove(2);
  expect(peers.merged()).toEqual({});
});

test("BridgePeers remembers at most CHAT_BRIDGE_SERVERS_MAX silent servers", () => {
  const peers = new BridgePeers();
  for (let run = 0; run < CHAT_BRIDGE_SERVERS_MAX + 10; run++) peers.note(run, 5, true, 0);
  peers.expire(CHAT_BRIDGE_SILENCE_MS + 1);
  let remembered = 0;
  for (let run = 0; run < CHAT_BRIDGE_SERVERS_MAX + 10; run++) {
    if (peers.note(run, 7, true, 0) === 1) remembered++;
  }
  expect(remembered).toBe(CHAT_BRIDGE_SERVERS_MAX);
});

test("parseRosters() takes nothing that is not sound", () => {
  const rooms = { a: { count: 1, members: [{ id: "1", name: "Ada" }] } };
  expect(parseRosters(JSON.stringify({ rooms }))).toEqual({ rooms, isLeaving: false });
  for (const text of [
    "",
    "null",
    "{}",
    '{"rooms":{"a":1}}',
    '{"rooms":{"a":{"count":"1","members":[]}}}',
    '{"rooms":{"a":{"count":1,"members":[{"id":1,"name":"x"}]}}}',
    '{"rooms":{"a":{"count":1,"members":[null]}}}',
  ]) {
    expect(parseRosters(text)).toBeNull();
  }
});
