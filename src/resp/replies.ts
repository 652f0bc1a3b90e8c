/**
 * Ready-made replies: the ones that are the same bytes every time.
 *
 * ReplyWriter copies them in whole (`raw`); who answers outside of a batch (a refused connection,
 * for instance) writes them to the socket as they are. Private memory, never modified.
 */
import { errorTexts } from "./errors.ts";

function ready(text: string): Buffer {
  // allocUnsafeSlow: own memory, not a slice of the pool that other Buffers share.
  const bytes = Buffer.allocUnsafeSlow(text.length);
  bytes.write(text, 0, "latin1");
  return bytes;
}

export const REPLY_QUEUED = ready("+QUEUED\r\n");
export const REPLY_NULL_ARRAY = ready("*-1\r\n");
export const REPLY_NULL_RESP3 = ready("_\r\n");
export const REPLY_TRUE = ready("#t\r\n");
export const REPLY_FALSE = ready("#f\r\n");

/** Sent to a connection beyond maxclients, which is then closed. */
export const REPLY_MAX_CLIENTS = ready(`-${errorTexts.maxClients}\r\n`);
