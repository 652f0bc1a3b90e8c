/**
 * MessagePack by msgpackr: maps of field names, which any MessagePack library reads.
 *
 * By the author of cbor-x and built alike, so that a difference between the two formats is the
 * formats' own; @msgpack/msgpack decodes three times slower. Imported by its parts for the reason
 * that cbor.ts gives.
 */
import { Packr } from "msgpackr/pack";
import * as reader from "msgpackr/unpack";
import { plainCodecs } from "./plain.ts";

const library = new Packr({ useRecords: false, mapsAsObjects: true, variableMapSize: true });

export const msgpackCodecs = plainCodecs({
  name: "msgpack",
  isTextChecked: false,
  pack: (value) => library.pack(value),
  unpack: (bytes) => library.unpack(bytes),
  isNumber: (value) => typeof value === "number",
  packBytes: (body) => body,
  unpackBytes: (value) => (value instanceof Uint8Array ? value : null),
});

/** Whether a native addon decodes: it must not, for figures to mean the same everywhere. */
export function isMsgpackNative(): boolean {
  // The types of this part of the package leave it out.
  return (reader as unknown as { isNativeAccelerationEnabled: boolean })
    .isNativeAccelerationEnabled;
}
