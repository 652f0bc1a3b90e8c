/**
 * What the durable store of the simulation must come back with after a crash.
 *
 * The history is a list of steps: what is applied as a whole or not at all (one record, or a
 * group), with the states of its keys afterwards. A step is under way from before its first record
 * may be written until its last one must have been; then it has the stamp of that one. Locks order
 * the steps of a key, so the state at a stamp is what the steps up to it have left.
 *
 *   kill         every step that was not under way is there
 *   power loss   exactly those with stamps up to the one at which recovery says that the log ends
 *   both         a step that was under way is there or not, all of its keys alike
 */
import { AssertionError, assert } from "../../src/base/assert.ts";

/** A key's value. A list is its elements; text is latin1. */
export interface Value {
  readonly text?: string;
  readonly items?: readonly string[];
  /** 0: never. */
  readonly expiresAtMs: number;
}

/** Keys by their names, a database's number in front: "0 name". Missing: there is none. */
export type States = Map<string, Value>;
/** What a step leaves; null: the key is gone. */
export type Effects = ReadonlyMap<string, Value | null>;

interface Step {
  readonly effects: Effects;
  /** 0 while it is under way. */
  stamp: number;
}

export class DurableModel {
  /** As its writers see each key now. */
  readonly current: States = new Map();
  /** As of the beginning of the run: what was recovered. */
  #base: States = new Map();
  #steps: Step[] = [];
  stepsCount = 0;

  /** A step begins: the locks of its keys are held. */
  begin(effects: Effects): Step {
    const step = { effects, stamp: 0 };
    this.#steps.push(step);
    this.stepsCount++;
    applyTo(this.current, effects);
    return step;
  }

  /** All records of the step are written, the last one with this stamp. */
  complete(step: Step, stamp: number): void {
    assert(stamp > 0 && step.stamp === 0, "a step has one stamp");
    step.stamp = stamp;
  }

  /** Compares what was recovered, when the log ends at `last`; the model goes on from there. */
  settle(found: States, last: number, nowMs: number): void {
    const states = new Map(this.#base);
    const there = this.#findThere(found, last, nowMs);
    for (const step of this.#steps) if (there.has(step)) applyTo(states, step.effects);
    for (const name of new Set([...states.keys(), ...found.keys()])) {
      this.#compare(name, found.get(name), states.get(name), nowMs);
      // It has expired: from here on it is not there.
      if (!found.has(name)) states.delete(name);
    }
    this.#base = states;
    this.#steps = [];
    this.current.clear();
    for (const [name, value] of states) this.current.set(name, value);
  }

  /**
   * The steps that are there. Those of a key began in the order of their stamps, so that what comes
   * later decides about what was under way before: a group is under way until all of its locks are
   * given up, and by then somebody else may have changed one of its keys.
   */
  #findThere(found: States, last: number, nowMs: number): Set<Step> {
    const steps = this.#steps;
    const there = new Set<Step>();
    for (let i = steps.length - 1; i >= 0; i--) {
      const step = steps[i] as Step;
      const isShared = (other: Step): boolean =>
        [...step.effects.keys()].some((name) => other.effects.has(name));
      if (step.stamp > 0) {
        if (step.stamp <= last) there.add(step);
        continue;
      }
      if (steps.slice(0, i).some((it) => it.stamp > last && isShared(it))) continue;
      const isFollowed = steps.slice(i + 1).some((it) => there.has(it) && isShared(it));
      const isFound = [...step.effects].every(([name, value]) =>
        isSame(found.get(name), value ?? undefined, nowMs),
      );
      if (isFollowed || isFound) there.add(step);
    }
    return there;
  }

  #compare(name: string, found: Value | undefined, wanted: Value | undefined, nowMs: number): void {
    if (isSame(found, wanted, nowMs)) return;
    const written = this.#steps.find((it) => {
      const effect = it.effects.get(name);
      return effect !== undefined && isSame(found, effect ?? undefined, 0);
    });
    const origin = written === undefined ? "" : ` (as of stamp ${written.stamp})`;
    const own = this.#steps.filter((it) => it.effects.has(name)).map((it) => it.stamp);
    throw new AssertionError(
      `${name}: recovered ${show(found)}${origin}, wanted ${show(wanted)}; stamps of its steps: ` +
        own.join(" "),
    );
  }
}

function applyTo(states: States, effects: Effects): void {
  for (const [name, value] of effects) {
    if (value === null) states.delete(name);
    else states.set(name, value);
  }
}

/** Whether `found` is right where `wanted` is: what has expired may be gone, nothing else. */
function isSame(found: Value | undefined, wanted: Value | undefined, nowMs: number): boolean {
  if (wanted === undefined) return found === undefined;
  if (found === undefined) return wanted.expiresAtMs > 0 && wanted.expiresAtMs <= nowMs;
  return (
    found.expiresAtMs === wanted.expiresAtMs &&
    found.text === wanted.text &&
    found.items?.length === wanted.items?.length &&
    (found.items?.every((item, i) => item === wanted.items?.[i]) ?? true)
  );
}

function show(value: Value | undefined): string {
  if (value === undefined) return "nothing";
  const all = JSON.stringify(value);
  return all.length > 200 ? `${all.slice(0, 200)}... (${all.length})` : all;
}
