/**
 * CBOR (RFC 8949) by cbor-x: maps of field names, which any CBOR library reads. Its records, which
 * are smaller, need a table that writer and reader share, so the bytes alone say nothing.
 *
 * Imported by its parts, not by its name: the package's own entry point loads a native addon when
 * the machine has one, and the same executable would be faster on the machine that built it than
 * anywhere else. The parts are JavaScript only; test/formats.test.ts checks the executable.
 */
import { isNativeAccelerationEnabled } from "cbor-x/decode";
import { Encoder } from "cbor-x/encode";
import { plainCodecs } from "./plain.ts";

/** `variableMapSize`: a map of three fields has a head of one byte, not of three. */
const library = new Encoder({ useRecords: false, mapsAsObjects: true, variableMapSize: true });

export const cborCodecs = plainCodecs({
  name: "cbor",
  isTextChecked: false,
  pack: (value) => library.encode(value),
  unpack: (bytes) => library.decode(bytes),
  isNumber: (value) => typeof value === "number",
  packBytes: (body) => body,
  unpackBytes: (value) => (value instanceof Uint8Array ? value : null),
});

/** Whether a native addon decodes: it must not, for figures to mean the same everywhere. */
export function isCborNative(): boolean {
  return isNativeAccelerationEnabled;
}
