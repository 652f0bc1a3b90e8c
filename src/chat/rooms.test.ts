/** Rooms and rosters, of this server and of others. */
import { expect, test } from "bun:test";
import { CHAT_ROSTER_NAMES_MAX } from "../base/limits.ts";
import { Rooms } from "./rooms.ts";

test("Rooms: a room is there while somebody is in it", () => {
  const rooms = new Rooms(1);
  rooms.join("a", 1, "Ada");
  rooms.join("a", 2, "");
  rooms.join("b", 3, "Ben");
  expect(rooms.count).toBe(2);
  rooms.leave("a", 1);
  rooms.leave("a", 1);
  expect(rooms.find("a")?.members.size).toBe(1);
  rooms.leave("a", 2);
  rooms.leave("none", 9);
  expect(rooms.find("a")).toBeUndefined();
  expect(rooms.count).toBe(1);
});

test("Rooms.rosterOf() counts all, names those who have a name, and adds other servers", () => {
  const rooms = new Rooms(35);
  rooms.join("a", 1, "Ada");
  const room = rooms.join("a", 2, "");
  const ada = { id: "z-1", name: "Ada" };
  expect(rooms.rosterOf(room)).toEqual({ count: 2, members: [ada] });
  room.isChanged = false;
  const ben = { id: "y-1", name: "Ben" };
  rooms.setRemote({ a: { count: 5, members: [ben] } });
  expect(room.isChanged).toBe(true);
  expect(rooms.rosterOf(room)).toEqual({ count: 7, members: [ada, ben] });
  // A name that objects have anyway is a room like any other.
  expect(rooms.rosterOf(rooms.join("constructor", 3, "Cy")).count).toBe(1);
});

test("Rooms.rosterOf() names at most CHAT_ROSTER_NAMES_MAX", () => {
  const rooms = new Rooms(1);
  for (let id = 1; id <= CHAT_ROSTER_NAMES_MAX + 50; id++) rooms.join("a", id, `n${id}`);
  const room = rooms.join("a", 1, "n1");
  rooms.setRemote({ a: { count: 1, members: [{ id: "x", name: "x" }] } });
  const { count, members } = rooms.rosterOf(room);
  expect(count).toBe(CHAT_ROSTER_NAMES_MAX + 51);
  expect(members.length).toBe(CHAT_ROSTER_NAMES_MAX);
});
