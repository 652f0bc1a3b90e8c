/**
 * The npm package `redis` (node-redis) as a client library. Loaded only when it is measured.
 *
 * One createClient is one connection. It writes what was called within one turn of the event loop
 * together, and always keeps strings and bytes apart: replies are Buffers by a type mapping.
 */
import { createClient, ErrorReply, RESP_TYPES } from "redis";
import { loginOf, type ServerUrl } from "../url.ts";
import type { ClientLibrary, LibraryConnection } from "./client-library.ts";

export const nodeRedis: ClientLibrary = {
  name: "node-redis",
  connect,
  errorReplyOf: (error) => (error instanceof ErrorReply ? error.message : null),
};

async function connect(
  url: ServerUrl,
  onClose: (reason: string) => void,
): Promise<LibraryConnection> {
  const { host, port } = url;
  const { user, password, database } = loginOf(url);
  const untyped = createClient({
    socket: { host, port, reconnectStrategy: false },
    disableOfflineQueue: true,
    ...(user === "" ? {} : { username: user }),
    ...(password === "" ? {} : { password }),
    ...(database === 0 ? {} : { database }),
  });
  untyped.on("error", (error: Error) => onClose(error.message));
  await untyped.connect();
  const client = untyped.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  return {
    set: (key, value) => client.set(key, value),
    get: (key) => client.get(key),
    getMany: (keys) => client.mGet(keys),
    pushHead: (key, item) => client.lPush(key, item),
    trim: (key, start, stop) => client.lTrim(key, start, stop),
    range: (key, start, stop) => client.lRange(key, start, stop),
    send: (words) => client.sendCommand(words),
    close: () => untyped.destroy(),
  };
}
