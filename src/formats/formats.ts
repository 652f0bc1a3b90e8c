/**
 * The formats of the benchmark by name, and for `kv bench codec` the codecs of all shapes.
 *
 * Loading this file loads every format's library: what serves no benchmark must not import it.
 * When adding a format: its name in format.ts, its file, a row here, and docs/internals/formats.md.
 */
import { cborCodecs } from "./cbor.ts";
import { compactCodecs } from "./compact.ts";
import { flatbuffersCodecs } from "./flatbuffers.ts";
import type { Format, FormatName } from "./format.ts";
import { jsonCodecs } from "./json.ts";
import { msgpackCodecs } from "./msgpack.ts";
import { protobufCodecs } from "./protobuf.ts";
import type { Codec, Codecs, ShapeKind, ShapeTypes } from "./shapes.ts";
import { stringCodec } from "./string.ts";
import { viewCodecs } from "./view.ts";

/** In the order in which tables show them. */
const CODECS: Readonly<Record<FormatName, Partial<Codecs> & Pick<Codecs, "chat">>> = {
  string: { chat: stringCodec },
  json: jsonCodecs,
  cbor: cborCodecs,
  msgpack: msgpackCodecs,
  protobuf: protobufCodecs,
  flatbuffers: flatbuffersCodecs,
  compact: compactCodecs,
  view: viewCodecs,
};

const IN_PLACE: readonly FormatName[] = ["flatbuffers", "view"];
const TEXT: readonly FormatName[] = ["string", "json"];

export const FORMATS: readonly Format[] = (Object.keys(CODECS) as FormatName[]).map((name) => {
  const { encode, decode, matches, readOne } = CODECS[name].chat;
  const isReadInPlace = IN_PLACE.includes(name);
  return {
    name,
    isReadInPlace,
    isText: TEXT.includes(name),
    encode,
    decode,
    matches,
    readId: readOne,
  };
});

/** The codec of a shape; undefined where the format has none (`string` carries chat only). */
export function codecOf<Kind extends ShapeKind>(
  name: FormatName,
  kind: Kind,
): Codec<ShapeTypes[Kind]> | undefined {
  return CODECS[name][kind] as Codec<ShapeTypes[Kind]> | undefined;
}

/** Formats of Rust that have no counterpart here, and what plays their part. */
const STAND_INS: Readonly<Record<string, { name: FormatName; notice: string }>> = {
  bitcode: {
    name: "compact",
    notice: "Bitcode exists in Rust only: compact, a positional format of kv's own, stands for it",
  },
  rkyv: {
    name: "view",
    notice: "Rkyv exists in Rust only: view, which kv reads in place, stands for it",
  },
};

/**
 * Case and dashes are ignored. Bitcode gives compact and Rkyv view, with a notice of one line that
 * says so; undefined when the name is unknown.
 */
export function findFormat(text: string): { format: Format; notice: string | null } | undefined {
  const wanted = text.toLowerCase().replaceAll("-", "");
  const standIn = Object.hasOwn(STAND_INS, wanted) ? STAND_INS[wanted] : undefined;
  const name = standIn?.name ?? wanted;
  const format = FORMATS.find((each) => each.name === name);
  return format === undefined ? undefined : { format, notice: standIn?.notice ?? null };
}
