/** Everything that a recovered store holds, as durable-model.ts has it. */
import { ByteBuffer } from "../../src/base/byte-buffer.ts";
import { type Cursor, TYPE_LIST } from "../../src/store/cursor.ts";
import { CONTROL_DATABASES } from "../../src/store/layout.ts";
import type { Store } from "../../src/store/store.ts";
import { DATABASES_NAME } from "./durable-client.ts";
import type { States, Value } from "./durable-model.ts";

/** Databases that are looked at. */
const DATABASES = 4;

/** Reads a store that nobody else uses, expired keys included: time stands still at 0. */
export function readStates(store: Store): States {
  const states: States = new Map();
  store.enterBatch();
  store.memory.nowMs = 0;
  for (let db = 0; db < DATABASES; db++) {
    for (const key of keysOf(store, db)) {
      const cursor = store.cursor(0);
      Object.assign(cursor, { bytes: key, keyStart: 0, keyLength: key.length, db });
      cursor.hash = store.hash(key, 0, key.length);
      if (store.lock(cursor))
        states.set(`${db} ${key.toString("latin1")}`, readValue(store, cursor));
      store.unlock(cursor);
    }
  }
  store.leaveBatch();
  const { control } = store.memory;
  const physical = Array.from({ length: DATABASES }, (_, db) => control[CONTROL_DATABASES + db]);
  const text = physical.join(" ");
  if (text !== "0 1 2 3") states.set(DATABASES_NAME, { text, expiresAtMs: 0 });
  return states;
}

function keysOf(store: Store, db: number): Buffer[] {
  const keys: Buffer[] = [];
  let position = 0;
  do {
    position = store.scanStep(db, position);
    const { scanned } = store;
    for (let i = 0; i < scanned.count; i++) {
      const start = scanned.start[i] as number;
      const end = start + (scanned.length[i] as number);
      keys.push(Buffer.from(scanned.keys.bytes.subarray(start, end)));
    }
  } while (position !== 0);
  return keys;
}

function readValue(store: Store, cursor: Cursor): Value {
  const out = new ByteBuffer(1024);
  const { expiresAtMs } = cursor;
  if (cursor.type !== TYPE_LIST) {
    store.copyValue(cursor, out, 0, cursor.valueLength);
    return { text: out.bytes.toString("latin1", 0, out.length), expiresAtMs };
  }
  const items: string[] = [];
  for (let is = store.seekItem(cursor, 0); is; is = store.nextItem(cursor)) {
    out.length = 0;
    store.copyItem(cursor, out);
    items.push(out.bytes.toString("latin1", 0, out.length));
  }
  return { items, expiresAtMs };
}
