/**
 * What a format of the benchmark is: the payload, and the four things that can be done with its
 * bytes. Types only; formats.ts has the formats themselves, shapes.ts the larger shapes that
 * `kv bench codec` measures.
 */

export type FormatName =
  | "string"
  | "json"
  | "cbor"
  | "protobuf"
  | "flatbuffers"
  | "msgpack"
  | "compact"
  | "view";

/**
 * The benchmark's payload: `data` random letters and digits, `timestamp` unix seconds, `id` the
 * operation's number. Both numbers are unsigned 32-bit integers in every format (UINT32_MAX in
 * shapes.ts), and `data` is well-formed: a lone surrogate has no UTF-8.
 */
export interface ChatPayload {
  data: string;
  timestamp: number;
  id: number;
}

export interface Format {
  readonly name: FormatName;
  /** Reads fields where they lie, without decoding the whole (flatbuffers, view). */
  readonly isReadInPlace: boolean;
  /** The bytes are UTF-8 text (string, json): a client that cannot carry binary may use it. */
  readonly isText: boolean;
  /**
   * A Buffer of its own, which nothing writes to again. `string` carries `data` only. Throws
   * RangeError for a number that the format has no room for.
   */
  encode(payload: ChatPayload): Buffer;
  /**
   * Throws RangeError with a reason when `bytes` is malformed or truncated; never reads outside of
   * them, never allocates by a length that it has not checked.
   */
  decode(bytes: Buffer): ChatPayload;
  /**
   * Reads every field (in place where the format can) and compares with `expected`; false when
   * different, RangeError when malformed. `string` compares data only.
   */
  matches(bytes: Buffer, expected: ChatPayload): boolean;
  /** Reads only `id` (string: 0), without decoding the rest where the format can. */
  readId(bytes: Buffer): number;
}
