/**
 * A cursor: one key of the running command, and what the store found under it.
 *
 * Cursors are allocated once and reused for every command; the store fills them in `beginRead` and
 * `lock`. What the fields below "found" say is valid from there to `endRead` or `unlock`, and after
 * a `beginRead` it may be half-changed by another thread until `endRead` has said that it was not:
 * it can be wrong, but it is always in bounds.
 */

/** What kind of value a key holds. The numbers are stored in records: never renumber. */
export const TYPE_NONE = 0;
export const TYPE_STRING = 1;
export const TYPE_LIST = 2;

export class Cursor {
  // ---- The key, set by aim() ----
  bytes: Buffer = EMPTY;
  keyStart = 0;
  keyLength = 0;
  /** Physical database number. */
  db = 0;
  /** Seeded hash of database and key, int32. */
  hash = 0;

  // ---- What was found, set by the store ----
  /** One of TYPE_*; TYPE_NONE when there is no such key (or it has expired). */
  type = TYPE_NONE;
  /** Absolute expiry in ms since 1970, 0 when the key does not expire. */
  expiresAtMs = 0;
  /** Strings: bytes of the value. */
  valueLength = 0;
  /**
   * Strings whose value lies in one piece (not `isLarge`): where. A view of shared memory: copy
   * out, never keep.
   */
  valueBytes: Buffer = EMPTY;
  valueStart = 0;
  /** Bytes that the record has for the value. */
  valueCapacity = 0;
  /** Strings kept in nodes: valueBytes and valueStart mean nothing, use store.copyValue. */
  isLarge = false;
  /** Lists: elements. */
  itemsCount = 0;
  /**
   * Lists, after seekItem/nextItem/previousItem: where the current element is. A view of shared
   * memory.
   */
  itemBytes: Buffer = EMPTY;
  itemStart = 0;
  itemLength = 0;
  /**
   * The element is too large for a list node: itemBytes and itemStart mean nothing, use
   * store.copyItem.
   */
  itemIsLarge = false;

  // ---- Where it was found: the store's own ----
  shard = 0;
  /** First word of the locked or read bucket in the shard's index view. */
  bucket = 0;
  /** The bucket's version as read (beginRead) or as it was before locking (lock). */
  version = 0;
  /** First word of the entry, -1 when there is none. */
  entry = -1;
  /** The record: segment slot and byte offset. */
  slot = 0;
  offset = 0;
  /**
   * Reads of this key that were thrown away so far; the store turns to locking when there are too
   * many.
   */
  attempts = 0;
  /** Whether this cursor holds its bucket's lock. */
  isLocked = false;
  // Position inside a list: its page (nodeCapacity 0: none yet), and the element within it.
  itemIndex = 0;
  nodeNumber = 0;
  nodeItem = 0;
  nodeSlot = 0;
  nodeOffset = 0;
  nodeCapacity = 0;
}

const EMPTY = Buffer.allocUnsafeSlow(0);
