/**
 * What chat servers say to each other over a bridge.
 *
 *      0 "KVCHAT1\n"    8 f64 run of the sender    16 f64 seq    24 entry
 *
 * `seq` counts the room messages of a sender, those that it could not hand on included: who hears
 * 5 and then 8 knows that two are lost. A control message carries the last one given and takes
 * none. Anything else on a room's channel was published by some other program, and is a message as
 * it is.
 */
import { type Entry, readEntry } from "../entry.ts";

const MAGIC = Buffer.from("KVCHAT1\n");
const HEADER_SIZE = 24;

export interface Envelope {
  readonly run: number;
  readonly seq: number;
  readonly entry: Entry;
}

/** A new buffer with the envelope around an entry, `bytes` 0 to `length`. */
export function sealEnvelope(run: number, seq: number, bytes: Buffer, length: number): Buffer {
  const sealed = Buffer.allocUnsafeSlow(HEADER_SIZE + length);
  MAGIC.copy(sealed, 0);
  sealed.writeDoubleLE(run, 8);
  sealed.writeDoubleLE(seq, 16);
  bytes.copy(sealed, HEADER_SIZE, 0, length);
  return sealed;
}

/** null when the bytes are no envelope of ours. */
export function openEnvelope(bytes: Buffer): Envelope | null {
  if (bytes.length < HEADER_SIZE || MAGIC.compare(bytes, 0, MAGIC.length) !== 0) return null;
  const entry = readEntry(bytes, HEADER_SIZE);
  if (entry === null) return null;
  return { run: bytes.readDoubleLE(8), seq: bytes.readDoubleLE(16), entry };
}
