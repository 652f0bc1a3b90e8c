/**
 * Who gets a message: the topics that its channel reaches, the number of their subscribers over all
 * Workers, and which Workers those are.
 *
 * The channel itself is one look-up. Patterns are matched one by one, against this Worker's private
 * copy of them, which is made anew when PATTERNS_VERSION has changed.
 *
 * Invariant: between `lock` and the unlocking of MUTEX the three results are exact.
 */
import { matchesGlob } from "../base/glob.ts";
import type { Directory } from "./directory.ts";
import { bitWords, MUTEX, PATTERNS_VERSION, type PubSubHandle, TopicKind } from "./layout.ts";
import { lock, unlock } from "./mutex.ts";

/** How often patterns are matched again because they have changed, before that is prevented. */
const ATTEMPTS_MAX = 16;

interface Pattern {
  readonly entry: number;
  readonly name: Buffer;
}

export class Matcher {
  /** Entries of the topics that get the message: the channel first, then patterns as they came. */
  readonly matched: number[] = [];
  /** A bit for each Worker that has subscribers of them. */
  readonly targets: Int32Array;
  readonly #control: Int32Array;
  readonly #directory: Directory;
  #patterns: Pattern[] = [];
  #patternsVersion = 0;

  constructor(handle: PubSubHandle, directory: Directory) {
    this.#control = new Int32Array(handle.control);
    this.#directory = directory;
    this.targets = new Int32Array(bitWords(handle.workers));
  }

  /**
   * Takes the mutex with `matched` and `targets` as they are at that moment; returns the
   * receivers.
   */
  lock(kind: TopicKind, bytes: Buffer, channelAt: number, channelLength: number): number {
    const directory = this.#directory;
    this.matched.length = 0;
    if (kind === TopicKind.Channel && directory.count(TopicKind.Pattern) > 0) {
      this.#lockPatterns(bytes, channelAt, channelLength);
    } else {
      lock(this.#control, MUTEX);
      // The first pattern came in between.
      if (kind === TopicKind.Channel && directory.count(TopicKind.Pattern) > 0) {
        unlock(this.#control, MUTEX);
        this.#lockPatterns(bytes, channelAt, channelLength);
      }
    }
    const entry = directory.find(kind, bytes, channelAt, channelLength);
    if (entry !== 0) this.matched.unshift(entry);
    this.targets.fill(0);
    let count = 0;
    for (const one of this.matched) {
      count += directory.subscribers(one);
      directory.addWorkers(one, this.targets);
    }
    return count;
  }

  /**
   * Takes the mutex with the patterns that match in `matched`. They are matched before, since many
   * of them take a while; only when they change all the time, with the mutex held.
   */
  #lockPatterns(bytes: Buffer, channelAt: number, channelLength: number): void {
    const control = this.#control;
    for (let attempt = 1; ; attempt++) {
      if (attempt === ATTEMPTS_MAX || this.#patternsVersion !== control[PATTERNS_VERSION]) {
        lock(control, MUTEX);
        if (this.#patternsVersion !== control[PATTERNS_VERSION]) this.#copyPatterns();
        if (attempt < ATTEMPTS_MAX) unlock(control, MUTEX);
      }
      this.matched.length = 0;
      for (const { entry, name } of this.#patterns) {
        if (matchesGlob(name, 0, name.length, bytes, channelAt, channelLength)) {
          this.matched.push(entry);
        }
      }
      if (attempt === ATTEMPTS_MAX) return;
      lock(control, MUTEX);
      if (this.#patternsVersion === control[PATTERNS_VERSION]) return;
      unlock(control, MUTEX);
    }
  }

  #copyPatterns(): void {
    const directory = this.#directory;
    this.#patterns = [];
    this.#patternsVersion = this.#control[PATTERNS_VERSION] as number;
    for (let at = directory.first(TopicKind.Pattern); at !== 0; at = directory.next(at)) {
      this.#patterns.push({ entry: at, name: directory.nameOf(at) });
    }
  }
}
