/** The checks before an upgrade, where a process test would be slow: headers and names. */
import { expect, test } from "bun:test";
import { digestOfToken, readJoin, refuseOrigin, refuseToken } from "./admission.ts";

function request(headers: Record<string, string>): Request {
  return new Request("http://chat.example:3000/ws", {
    headers: { host: "chat.example:3000", ...headers },
  });
}

test("refuseOrigin() takes programs, its own pages and those allowed", () => {
  const allowed = ["https://other.example"];
  for (const headers of [
    {},
    { origin: "http://chat.example:3000" },
    { origin: "https://chat.example:3000" },
    { origin: "HTTP://Chat.Example:3000" },
    { origin: "https://other.example" },
  ]) {
    expect(refuseOrigin(request(headers as Record<string, string>), allowed)).toBeNull();
  }
  for (const origin of ["http://chat.example", "null", "", "https://other.example.evil.example"]) {
    expect(refuseOrigin(request({ origin }), allowed)?.status).toBe(403);
  }
  expect(refuseOrigin(request({ origin: "null" }), ["*"])).toBeNull();
});

test("refuseToken() takes the token from either header, whole and only", () => {
  const digest = digestOfToken("sécret=1");
  const encoded = Buffer.from("sécret=1").toString("base64url");
  expect(refuseToken(request({}), null)).toBeNull();
  const protocols = `kv.chat.v1, kv.token.${encoded}`;
  expect(refuseToken(request({ "sec-websocket-protocol": protocols }), digest)).toBeNull();
  for (const headers of [
    {},
    { authorization: "Bearer" },
    { authorization: "Basic abc" },
    { authorization: "Bearer other" },
    { "sec-websocket-protocol": "kv.token." },
    { "sec-websocket-protocol": `kv.token.${encoded.slice(0, -1)}` },
  ]) {
    const refused = refuseToken(request(headers as Record<string, string>), digest);
    expect(refused?.status).toBe(401);
  }
});

test("readJoin() has defaults, and picks the first protocol that it knows", () => {
  const everything = { room: "lobby", name: "", historyCount: Number.POSITIVE_INFINITY };
  expect(readJoin(request({}), new URLSearchParams())).toEqual({ ...everything, protocol: null });
  const both = request({ "sec-websocket-protocol": "other,kv.raw.v1, kv.chat.v1" });
  const query = new URLSearchParams("room=a&name=Ada&history=0");
  const join = { room: "a", name: "Ada", historyCount: 0, protocol: "kv.chat.v1" };
  expect(readJoin(both, query)).toEqual(join);
  for (const wrong of ["history=", "history=1.5", "history=x", "room=%FF", "name=%0A"]) {
    expect(readJoin(request({}), new URLSearchParams(wrong))).toMatchObject({ status: 400 });
  }
});
