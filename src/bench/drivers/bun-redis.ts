/**
 * Bun.RedisClient, which is part of Bun, as a client library.
 *
 * One RedisClient is one connection. Auto-pipelining (its default) writes what was called within
 * one turn of the event loop together. GET can give bytes (`getBuffer`); elements of lists come
 * only as UTF-8 strings, which destroys binary values: whoever calls this has refused those.
 */
import { loginOf, type ServerUrl } from "../url.ts";
import type { ClientLibrary, LibraryConnection } from "./client-library.ts";

export const bunRedis: ClientLibrary = {
  name: "bun",
  connect,
  errorReplyOf: (error) => (codeOf(error) === "ERR_REDIS_SERVER_ERROR" ? messageOf(error) : null),
};

async function connect(
  url: ServerUrl,
  onClose: (reason: string) => void,
): Promise<LibraryConnection> {
  const client = new Bun.RedisClient(urlText(url), {
    autoReconnect: false,
    maxRetries: 0,
    enableOfflineQueue: false,
  });
  let isClosing = false;
  client.onclose = (error) => {
    if (!isClosing) onClose(messageOf(error));
  };
  await client.connect();
  return {
    set: (key, value) => client.set(key, value),
    async get(key) {
      const bytes = await client.getBuffer(key);
      return bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    },
    getMany: (keys) => client.mget(...keys),
    pushHead: (key, item) => client.lpush(key, item),
    trim: (key, start, stop) => client.ltrim(key, start, stop),
    range: (key, start, stop) => client.lrange(key, start, stop),
    // Its types know strings only; it takes bytes as they are.
    send: ([name, ...words]) => client.send(String(name), words as unknown as string[]),
    close() {
      isClosing = true;
      client.close();
    },
  };
}

function urlText(url: ServerUrl): string {
  const { host, port } = url;
  const { user, password, database } = loginOf(url);
  const credentials =
    password === "" ? "" : `${encodeURIComponent(user)}:${encodeURIComponent(password)}@`;
  const hostText = host.includes(":") ? `[${host}]` : host;
  return `redis://${credentials}${hostText}:${port}/${database}`;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error ? (error as { code?: unknown }).code : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
