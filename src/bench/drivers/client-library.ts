/**
 * What the benchmark asks of a client library: the calls that an application would make, each with
 * the library's own promise. The drivers of single libraries (node-redis.ts, bun-redis.ts) only
 * translate; when to call and what the replies must be is decided in client-loop.ts.
 *
 * Every call is issued when it is made: a library that writes later (auto-pipelining) does so by
 * its own rules. Values that come back are Buffers where the library can give bytes, else strings
 * of it.
 */
import type { ReadValue } from "../reply-checks.ts";
import type { ServerUrl } from "../url.ts";

export type LibraryName = "node-redis" | "bun";

export interface LibraryConnection {
  set(key: string, value: Buffer): Promise<unknown>;
  get(key: string): Promise<ReadValue>;
  getMany(keys: string[]): Promise<unknown>;
  pushHead(key: string, item: Buffer): Promise<unknown>;
  trim(key: string, start: number, stop: number): Promise<unknown>;
  range(key: string, start: number, stop: number): Promise<(Buffer | string)[]>;
  /** Any other command, by the library's general call. */
  send(words: Buffer[]): Promise<unknown>;
  close(): void;
}

export interface ClientLibrary {
  readonly name: LibraryName;
  /**
   * Opens one connection, logged in and in the database of `url`, that does not come back by itself
   * when it breaks: that would hide it. `onClose` is called when it breaks.
   */
  connect(url: ServerUrl, onClose: (reason: string) => void): Promise<LibraryConnection>;
  /** The text of an error reply; null when `error` is anything else: a broken connection. */
  errorReplyOf(error: unknown): string | null;
}
