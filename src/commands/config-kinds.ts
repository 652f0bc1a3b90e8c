/**
 * Kinds of configuration parameters: how each reads its text, which values it takes, and what it
 * says when it refuses.
 *
 * A parameter is data (Parameter); config-params.ts lists them, config.ts serves CONFIG with them,
 * and the command line reads its configuration file with them. The texts of refusals are Redis',
 * word for word. Texts are latin1, one character per byte.
 */
import type { MaxmemoryPolicy, Settings } from "../base/settings.ts";

type FieldOf<T> = { [K in keyof Settings]: Settings[K] extends T ? K : never }[keyof Settings];
export type NumberField = FieldOf<number>;
export type BooleanField = FieldOf<boolean>;
export type TextField = Exclude<FieldOf<string>, undefined>;

export interface Parameter {
  readonly name: string;
  /** An older name for the same parameter. */
  readonly alias?: string;
  /** Refused by CONFIG SET: decided at start-up. */
  readonly isImmutable: boolean;
  /**
   * Refused like an immutable one, but in the words for parameters that could do harm from afar.
   */
  readonly isProtected?: boolean;
  /**
   * Redis could change it while it runs, this server decides it at start-up: only the value that it
   * has is accepted.
   */
  readonly isStartOnly?: boolean;
  /** The value as CONFIG GET shows it. */
  read(settings: Settings): string;
  /** Why `text` is no value for it; null when it is one. */
  refuse(text: string): string | null;
  /** Sets it from a text that `refuse` has accepted. */
  apply(settings: Settings, text: string): void;
}

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 1000,
  kb: 1024,
  m: 1000 ** 2,
  mb: 1024 ** 2,
  g: 1000 ** 3,
  gb: 1024 ** 3,
};

/** The largest number that a parameter holds: beyond it, doubles are no longer exact. */
export const NUMBER_MAX = Number.MAX_SAFE_INTEGER;
export const INT32_MAX = 2 ** 31 - 1;

/** Bytes of "100mb", "1g", "12", and of "", which Redis takes as 0; null when it is no size. */
export function parseMemorySize(text: string): number | null {
  if (text === "") return 0;
  const match = /^(\d{1,20})([a-z]*)$/i.exec(text);
  if (match === null) return null;
  const factor = UNITS[(match[2] as string).toLowerCase()];
  return factor === undefined ? null : Number(match[1]) * factor;
}

function integerOf(text: string): number | null {
  return /^(0|-?[1-9]\d{0,18})$/.test(text) ? Number(text) : null;
}

/**
 * Where a value lives: in a field of Settings, or among those that are kept only to be read back.
 */
interface Place<T> {
  get(settings: Settings): T;
  set(settings: Settings, value: T): void;
}

function inField<K extends keyof Settings>(field: K): Place<Settings[K]> {
  return {
    get: (settings) => settings[field],
    set: (settings, value) => {
      settings[field] = value;
    },
  };
}

function keptText(name: string, initial: string): Place<string> {
  return {
    get: (settings) => settings.compatibility[name] ?? initial,
    set: (settings, value) => {
      settings.compatibility[name] = value;
    },
  };
}

function keptNumber(name: string, initial: number): Place<number> {
  const place = keptText(name, String(initial));
  return {
    get: (settings) => Number(place.get(settings)),
    set: (settings, value) => place.set(settings, String(value)),
  };
}

function keptBoolean(name: string, initial: boolean): Place<boolean> {
  const place = keptText(name, initial ? "yes" : "no");
  return {
    get: (settings) => place.get(settings) === "yes",
    set: (settings, value) => place.set(settings, value ? "yes" : "no"),
  };
}

export interface More {
  readonly alias?: string;
  readonly isImmutable?: boolean;
  readonly isProtected?: boolean;
  readonly isStartOnly?: boolean;
}

function parameter<T>(
  name: string,
  place: Place<T>,
  show: (value: T) => string,
  parse: (text: string) => T | null,
  refuse: (text: string) => string | null,
  more: More,
): Parameter {
  return {
    name,
    isImmutable: false,
    ...more,
    read: (settings) => show(place.get(settings)),
    refuse,
    apply: (settings, text) => {
      const value = parse(text);
      if (value !== null) place.set(settings, value);
    },
  };
}

function outOfBounds(min: number, max: number): string {
  const shown = max === NUMBER_MAX ? "9223372036854775807" : String(max);
  return `argument must be between ${min} and ${shown} inclusive`;
}

function numberParameter(
  name: string,
  place: Place<number>,
  parse: (text: string) => number | null,
  bounds: readonly [min: number, max: number],
  notOne: string,
  more: More,
): Parameter {
  const refuse = (text: string) => {
    const value = parse(text);
    if (value === null) return notOne;
    return value < bounds[0] || value > bounds[1] ? outOfBounds(bounds[0], bounds[1]) : null;
  };
  return parameter(name, place, String, parse, refuse, more);
}

const NOT_INTEGER = "argument couldn't be parsed into an integer";
const NOT_SIZE = "argument must be a memory value";
const NOT_BOOLEAN = "argument must be 'yes' or 'no'";

/** An integer in a field of Settings. */
export function integer(
  name: string,
  field: NumberField,
  min: number,
  max: number,
  more: More = {},
): Parameter {
  return numberParameter(name, inField(field), integerOf, [min, max], NOT_INTEGER, more);
}

/** A size in bytes, with or without a unit, in a field of Settings. */
export function size(
  name: string,
  field: NumberField,
  min: number,
  max: number,
  more: More = {},
): Parameter {
  return numberParameter(name, inField(field), parseMemorySize, [min, max], NOT_SIZE, more);
}

/** yes or no in a field of Settings. */
export function boolean(name: string, field: BooleanField, more: More = {}): Parameter {
  return booleanParameter(name, inField(field), more);
}

/** A text in a field of Settings; only for what CONFIG SET may not change. */
export function startText(name: string, field: TextField, more: More = {}): Parameter {
  const place: Place<string> = { get: (s) => s[field], set: () => {} };
  return parameter(name, place, String, String, () => null, { isImmutable: true, ...more });
}

/** The eviction policy. */
export function policy(name: string, values: readonly MaxmemoryPolicy[]): Parameter {
  const parse = (text: string) => values.find((value) => value === text.toLowerCase()) ?? null;
  const refuse = (text: string) => (parse(text) === null ? oneOfText(values) : null);
  return parameter(name, inField("maxmemoryPolicy"), String, parse, refuse, {});
}

/** Kept for compatibility: an integer that changes nothing here. */
export function keptInteger(
  name: string,
  initial: number,
  min: number,
  max: number,
  more: More = {},
): Parameter {
  const place = keptNumber(name, initial);
  return numberParameter(name, place, integerOf, [min, max], NOT_INTEGER, more);
}

/** Kept for compatibility: a size that changes nothing here. */
export function keptSize(name: string, initial: number, min = 0, more: More = {}): Parameter {
  const place = keptNumber(name, initial);
  return numberParameter(name, place, parseMemorySize, [min, NUMBER_MAX], NOT_SIZE, more);
}

/** Kept for compatibility: yes or no, changes nothing here. */
export function keptYesNo(name: string, initial: boolean, more: More = {}): Parameter {
  return booleanParameter(name, keptBoolean(name, initial), more);
}

/** Kept for compatibility: any text, changes nothing here. */
export function keptString(name: string, initial = "", more: More = {}): Parameter {
  return parameter(name, keptText(name, initial), String, String, () => null, more);
}

/** Kept for compatibility: one of several words, changes nothing here. */
export function keptEnum(
  name: string,
  initial: string,
  values: readonly string[],
  more: More = {},
): Parameter {
  const refuse = (text: string) => (values.includes(text.toLowerCase()) ? null : oneOfText(values));
  return parameter(name, keptText(name, initial), String, String, refuse, more);
}

/**
 * Can only be what it is. `shape` says what is no value at all, in Redis' words; any other value is
 * refused with `reason`, which says what to do instead.
 */
export function fixed(
  name: string,
  only: string,
  shape: (text: string) => string | null,
  reason: string,
  more: More = {},
): Parameter {
  const refuse = (text: string) => shape(text) ?? (text.toLowerCase() === only ? null : reason);
  return parameter(name, keptText(name, only), String, String, refuse, more);
}

/** Why a text is neither yes nor no; null when it is one. */
export function refuseUnlessYesNo(text: string): string | null {
  return parseYesNo(text) === null ? NOT_BOOLEAN : null;
}

function parseYesNo(text: string): boolean | null {
  const word = text.toLowerCase();
  if (word === "yes") return true;
  return word === "no" ? false : null;
}

function booleanParameter(name: string, place: Place<boolean>, more: More): Parameter {
  const show = (value: boolean) => (value ? "yes" : "no");
  return parameter(name, place, show, parseYesNo, refuseUnlessYesNo, more);
}

function oneOfText(values: readonly string[]): string {
  return `argument(s) must be one of the following: ${values.join(", ")}`;
}
