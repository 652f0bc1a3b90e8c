/**
 * JSON (RFC 8259) as UTF-8, by the runtime's own JSON: the baseline that binary formats have to
 * beat. Byte arrays are base64 (RFC 4648 §4), since JSON has none.
 */
import { plainCodecs } from "./plain.ts";
import { readText } from "./text.ts";

const NAME = "json";

export const jsonCodecs = plainCodecs({
  name: NAME,
  isTextChecked: true,
  pack: (value) => Buffer.from(JSON.stringify(value)),
  unpack: (bytes) => JSON.parse(readText(NAME, bytes, 0, bytes.length)),
  isNumber: Number.isFinite,
  packBytes: (body) => Buffer.from(body.buffer, body.byteOffset, body.length).toString("base64"),
  unpackBytes: bytesOfBase64,
});

/** Null when it is not base64: Buffer.from leaves out what it does not know. */
function bytesOfBase64(text: unknown): Uint8Array | null {
  if (typeof text !== "string" || text.length % 4 !== 0) return null;
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const body = Buffer.from(text, "base64");
  return body.length === (text.length / 4) * 3 - padding ? body : null;
}
