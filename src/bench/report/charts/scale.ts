/**
 * From values to places: axes with round ticks, linear or logarithmic. Pure.
 *
 * `at` gives the share of the axis, 0 at its beginning and 1 at its end.
 */

export interface Tick {
  value: number;
  label: string;
}

export interface Axis {
  label: string;
  ticks: Tick[];
  at(value: number): number;
}

/** Round steps: at most this many ticks. */
const TICKS_MAX = 6;

/** From 0 to the next round number above `max`. */
export function linearAxis(label: string, max: number, format: (value: number) => string): Axis {
  const top = max > 0 ? max : 1;
  const step = roundStep(top / (TICKS_MAX - 1));
  const end = Math.ceil(top / step - 1e-9) * step;
  const ticks: Tick[] = [];
  for (let i = 0; i * step <= end * (1 + 1e-9); i++) {
    ticks.push({ value: i * step, label: format(i * step) });
  }
  return { label, ticks, at: (value) => value / end };
}

/** From a round number below `min` to one above `max`; both above 0. */
export function logAxis(
  label: string,
  min: number,
  max: number,
  format: (value: number) => string,
): Axis {
  const low = 10 ** Math.floor(Math.log10(min) + 1e-9);
  const start = roundSteps(low, max).findLast((value) => value <= min) ?? low;
  // One value alone still needs an axis with two ends.
  const steps = roundSteps(low, Math.max(max, start * 1.01));
  const end = steps.at(-1) ?? start * 10;
  const inside = steps.filter((value) => value >= start);
  const decades = inside.filter((value) => isPowerOfTen(value));
  const shown = inside.length > TICKS_MAX + 1 && decades.length >= 2 ? decades : inside;
  const span = Math.log(end / start);
  return {
    label,
    ticks: shown.map((value) => ({ value, label: format(value) })),
    at: (value) => Math.log(Math.max(value, start) / start) / span,
  };
}

/** 1, 2, 5, 10, … times `low`, up to the first that is not below `max`. */
function roundSteps(low: number, max: number): number[] {
  const steps: number[] = [];
  for (let decade = low; ; decade *= 10) {
    for (const digit of [1, 2, 5]) {
      const value = Number((decade * digit).toPrecision(3));
      steps.push(value);
      if (value >= max * (1 - 1e-9)) return steps;
    }
  }
}

function isPowerOfTen(value: number): boolean {
  const exponent = Math.log10(value);
  return Math.abs(exponent - Math.round(exponent)) < 1e-6;
}

/** 1, 2 or 5 times a power of ten, not below `least`. */
function roundStep(least: number): number {
  const decade = 10 ** Math.floor(Math.log10(least));
  const digit = [1, 2, 5, 10].find((each) => each * decade >= least * (1 - 1e-9)) ?? 10;
  return Number((digit * decade).toPrecision(3));
}

/** Percentiles by their "nines": 90 % and 99 % are as far apart as 99 % and 99.9 %. */
export function ninesAxis(label: string, quantileMax: number): Axis {
  const end = Math.max(ninesOf(quantileMax), 2);
  const quantiles = [0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999];
  const ticks = quantiles
    .filter((quantile) => ninesOf(quantile) <= end + 1e-9)
    .map((quantile) => ({ value: quantile, label: percentileName(quantile) }));
  return { label, ticks, at: (quantile) => ninesOf(quantile) / end };
}

function percentileName(quantile: number): string {
  return quantile === 0 ? "min" : `p${Number((quantile * 100).toFixed(4))}`;
}

function ninesOf(quantile: number): number {
  return -Math.log10(1 - quantile);
}

/** Around values that are nowhere near 0: from a round number below to one above. */
export function rangeAxis(
  label: string,
  min: number,
  max: number,
  format: (value: number) => string,
): Axis {
  const step = roundStep(Math.max(max - min, 1e-9) / (TICKS_MAX - 2));
  const start = Math.floor(min / step + 1e-9) * step;
  const end = Math.max(Math.ceil(max / step - 1e-9) * step, start + step);
  const ticks: Tick[] = [];
  for (let i = 0; start + i * step <= end + step / 1e6; i++) {
    const value = start + i * step;
    ticks.push({ value, label: format(value) });
  }
  return { label, ticks, at: (value) => (value - start) / (end - start) };
}
