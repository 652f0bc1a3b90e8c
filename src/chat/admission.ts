/**
 * Who may come in: the checks of a request before it is upgraded or published.
 *
 *      Origin → token → room, name, history → (server.ts: clients, rooms) → upgrade
 *
 * Origin: browsers send it and other programs do not; a page of another site must not talk to this
 * server from where the browser is, so it must be the server's own or one that is allowed.
 *
 * Token: `Authorization: Bearer …`, or, from a browser, which can set no header on a WebSocket, the
 * subprotocol `kv.token.` and the token in base64url. Never in the URL: those are logged.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { CHAT_NAME_LENGTH_MAX, CHAT_ROOM_SIZE_MAX } from "../base/limits.ts";
import { parseCount } from "../base/units.ts";
import type { Refusal } from "./stats.ts";

export const CHAT_PROTOCOL = "kv.chat.v1";
export const RAW_PROTOCOL = "kv.raw.v1";
const TOKEN_PROTOCOL = "kv.token.";
export const ROOM_DEFAULT = "lobby";

/** Letters, digits, marks and a few signs of any script: nothing that is invisible or a space. */
const ROOM = /^[\p{L}\p{N}\p{M}._~-]+$/u;
/** Also punctuation, symbols and single spaces inside: no control, no invisible character. */
const NAME = /^[\p{L}\p{N}\p{M}\p{P}\p{S}]+(?: [\p{L}\p{N}\p{M}\p{P}\p{S}]+)*$/u;

export interface Refused {
  readonly status: number;
  readonly reason: Refusal;
  readonly text: string;
}

export interface JoinRequest {
  readonly room: string;
  /** "" for a client without one. */
  readonly name: string;
  /** Messages of history that it wants at the most. */
  readonly historyCount: number;
  /** CHAT_PROTOCOL, RAW_PROTOCOL, or null when it asks for none of them. */
  readonly protocol: string | null;
}

/** Refuses a page of another site; null when `request` may go on. */
export function refuseOrigin(request: Request, allowed: readonly string[]): Refused | null {
  const origin = request.headers.get("origin")?.toLowerCase();
  if (origin === undefined || allowed.includes("*") || allowed.includes(origin)) return null;
  const host = request.headers.get("host")?.toLowerCase();
  if (origin === `http://${host}` || origin === `https://${host}`) return null;
  return { status: 403, reason: "origin", text: "this origin is not allowed (--allow-origin)" };
}

/** The digest that tokens are compared by; null when none is asked for. */
export function digestOfToken(token: string): Buffer | null {
  return token === "" ? null : sha256(token);
}

/** Refuses a request without the token; null when it may go on. Takes the same time for all. */
export function refuseToken(request: Request, digest: Buffer | null): Refused | null {
  if (digest === null) return null;
  const token = bearerOf(request) ?? protocolTokenOf(request);
  if (token !== null && timingSafeEqual(sha256(token), digest)) return null;
  const text = token === null ? "a token is needed" : "the token is wrong";
  return { status: 401, reason: "token", text };
}

function sha256(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

function bearerOf(request: Request): string | null {
  const header = request.headers.get("authorization");
  return /^Bearer +(\S+)$/i.exec(header ?? "")?.[1] ?? null;
}

function protocolTokenOf(request: Request): string | null {
  const found = protocolsOf(request).find((it) => it.startsWith(TOKEN_PROTOCOL));
  if (found === undefined) return null;
  return Buffer.from(found.slice(TOKEN_PROTOCOL.length), "base64url").toString("utf8");
}

function protocolsOf(request: Request): string[] {
  return (request.headers.get("sec-websocket-protocol") ?? "").split(",").map((it) => it.trim());
}

/** What a request to /ws asks for, or why not. */
export function readJoin(request: Request, query: URLSearchParams): JoinRequest | Refused {
  const room = query.get("room") ?? ROOM_DEFAULT;
  const name = query.get("name") ?? "";
  const history = query.get("history");
  const historyCount = history === null ? Number.POSITIVE_INFINITY : parseCount(history);
  const problem = problemOfRoom(room) ?? problemOfName(name);
  if (problem !== null) return bad(problem);
  if (historyCount === null) return bad("history: not a whole number, use 0 or more");
  const protocols = protocolsOf(request);
  const protocol = [CHAT_PROTOCOL, RAW_PROTOCOL].find((it) => protocols.includes(it)) ?? null;
  return { room, name, historyCount, protocol };
}

/** What is wrong with a room's name; null when nothing is. */
export function problemOfRoom(room: string): string | null {
  if (Buffer.byteLength(room) > CHAT_ROOM_SIZE_MAX) {
    return `room: too long, at most ${CHAT_ROOM_SIZE_MAX} bytes are allowed`;
  }
  return ROOM.test(room) ? null : "room: letters, digits and . _ ~ - are allowed, at least one";
}

function problemOfName(name: string): string | null {
  if (name === "") return null;
  if ([...name].length > CHAT_NAME_LENGTH_MAX || Buffer.byteLength(name) > 255) {
    return `name: too long, at most ${CHAT_NAME_LENGTH_MAX} characters are allowed`;
  }
  return NAME.test(name) ? null : "name: visible characters and single spaces are allowed";
}

function bad(text: string): Refused {
  return { status: 400, reason: "name", text };
}
