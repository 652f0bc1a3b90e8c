/**
 * The bare text of a chat message, UTF-8: no timestamp, no id, no other shape. What a server is
 * measured with when the cost of a format is not the question.
 */
import type { ChatPayload } from "./format.ts";
import type { Codec } from "./shapes.ts";
import { readText } from "./text.ts";

const NAME = "string";

export const stringCodec: Codec<ChatPayload> = {
  encode: ({ data }) => Buffer.from(data),
  decode: (bytes) => ({ data: readText(NAME, bytes, 0, bytes.length), timestamp: 0, id: 0 }),
  matches: (bytes, expected) => readText(NAME, bytes, 0, bytes.length) === expected.data,
  readOne: () => 0,
};
