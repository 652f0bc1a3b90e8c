/**
 * Sizes, durations and counts as people write and read them.
 *
 * Parsing is strict: null for whatever is not wholly a number with a known unit, so that the caller
 * can name the flag in its message. Sizes follow the configuration of Redis: `k` is 1000 and `kb`
 * is 1024, in either case. Formatting is for tables and messages; nothing parses it back.
 *
 * Not here: integers in requests (number.ts).
 */

const SIZE_UNITS: Record<string, number> = {
  "": 1,
  b: 1,
  k: 1000,
  kb: 1024,
  kib: 1024,
  m: 1000 ** 2,
  mb: 1024 ** 2,
  mib: 1024 ** 2,
  g: 1000 ** 3,
  gb: 1024 ** 3,
  gib: 1024 ** 3,
  t: 1000 ** 4,
  tb: 1024 ** 4,
  tib: 1024 ** 4,
};

const DURATION_UNITS_MS: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
};

const SIZE_NAMES = ["B", "KiB", "MiB", "GiB", "TiB"];
const COUNT_NAMES = ["", "k", "M", "G", "T"];
const DURATION_NAMES = ["ns", "µs", "ms", "s"];

/** Bytes of "100mb", "1.5gb" or "12"; null when the text is not a size or beyond 2^53 - 1. */
export function parseSize(text: string): number | null {
  return parseWithUnit(text, SIZE_UNITS);
}

/**
 * Milliseconds of "250ms", "10s", "5m" or "1h"; null without a unit, which would leave seconds or
 * ms open.
 */
export function parseDurationMs(text: string): number | null {
  return parseWithUnit(text, DURATION_UNITS_MS);
}

/** An unsigned decimal integer, or null. No sign, no blanks, no exponent. */
export function parseCount(text: string): number | null {
  if (!/^[0-9]{1,16}$/.test(text)) return null;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : null;
}

/** "1.50 MiB": three significant digits, binary units. */
export function formatSize(sizeBytes: number): string {
  return formatScaled(sizeBytes, 1024, SIZE_NAMES, " ");
}

/** "1.23M": three significant digits, decimal units; for rates and counts. */
export function formatCount(count: number): string {
  return formatScaled(count, 1000, COUNT_NAMES, "");
}

/** "12.3 µs" from nanoseconds: three significant digits, up to seconds. */
export function formatDurationNs(durationNs: number): string {
  return formatScaled(durationNs, 1000, DURATION_NAMES, " ");
}

function parseWithUnit(text: string, units: Record<string, number>): number | null {
  const match = /^([0-9]+(?:\.[0-9]+)?)([a-z]*)$/i.exec(text);
  if (match === null) return null;
  const unit = (match[2] as string).toLowerCase();
  if (!Object.hasOwn(units, unit)) return null;
  const value = Math.round(Number(match[1]) * (units[unit] as number));
  return Number.isSafeInteger(value) ? value : null;
}

function formatScaled(value: number, step: number, names: string[], blank: string): string {
  let scaled = Math.abs(value);
  let index = 0;
  // 999.5 prints as "1000" with no decimals: it belongs to the next unit.
  while (scaled >= step - 0.5 && index < names.length - 1) {
    scaled /= step;
    index++;
  }
  const isWhole = index === 0 && Number.isInteger(value);
  const decimals = isWhole || scaled >= 99.95 ? 0 : scaled >= 9.995 ? 1 : 2;
  const sign = value < 0 ? "-" : "";
  const name = names[index] as string;
  return `${sign}${scaled.toFixed(decimals)}${name === "" ? "" : blank + name}`;
}
