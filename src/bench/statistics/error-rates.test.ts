/**
 * How often the statistics err on made-up series whose truth is known: false alarms at most as
 * often as the level says, real differences found when the noise permits.
 *
 * Seeds are fixed, so that a failure is a change of the code. Bounds on counts are binomial: the
 * number that a rate of exactly the level exceeds once in a thousand times.
 */
import { expect, test } from "bun:test";
import { Prng } from "../../base/prng.ts";
import { interleave } from "./interleave.ts";
import { comparePaired } from "./paired.ts";
import { judgeSteadiness } from "./steadiness.ts";
import { confidenceInterval95, medianInterval95 } from "./summary.ts";

const TRIALS_COUNT = 200;
/** Of 200 trials at 5 %: more happen with probability 0.0008. */
const ALARMS_MAX = 20;

/** A standard normal draw (Box and Muller). */
function normal(random: Prng): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.fraction()));
  return radius * Math.cos(2 * Math.PI * random.fraction());
}

/** Student's t with 2 degrees of freedom: no variance, wild values. */
function heavyTailed(random: Prng): number {
  const chi2 = -2 * Math.log(1 - random.fraction());
  return normal(random) / Math.sqrt(chi2 / 2);
}

/** What the slice at `place` of a session with `count` slices gives for a true rate of 1. */
type Noise = (random: Prng, place: number, count: number) => number;

const noises: Record<string, Noise> = {
  normal: (random) => 1 + 0.03 * normal(random),
  "log-normal": (random) => Math.exp(0.1 * normal(random)),
  "heavy-tailed": (random) => Math.exp(0.02 * heavyTailed(random)),
  "drifting by 30 %": (random, place, count) =>
    (1 - (0.3 * place) / count) * (1 + 0.01 * normal(random)),
  "stalling now and then": (random) => (random.chance(10) ? 0.5 : 1) * (1 + 0.01 * normal(random)),
};

/** Rates of two targets of which b is `effect` times as fast, in the order of interleave(). */
function session(noise: Noise, pairs: number, effect: number, random: Prng): [number[], number[]] {
  const rates: [number[], number[]] = [[], []];
  interleave(2, pairs)
    .flat()
    .forEach((target, place) => {
      rates[target]!.push(noise(random, place, 2 * pairs) * (target === 1 ? effect : 1));
    });
  return rates;
}

function verdictsOf(noise: Noise, pairs: number, effect: number, seed: number): string[] {
  const random = new Prng(seed);
  return Array.from({ length: TRIALS_COUNT }, () => {
    const compared = comparePaired(...session(noise, pairs, effect, random), 1);
    const { low, high } = compared.ratioInterval95!;
    const excludes = low > 1 || high < 1;
    expect(compared.verdict === "no difference seen").toBe(!excludes);
    return compared.verdict;
  });
}

for (const [name, noise] of Object.entries(noises)) {
  for (const pairs of [5, 10, 20]) {
    test(`A/A of ${pairs} pairs: false alarms within the level, noise ${name}`, () => {
      const alarms = verdictsOf(noise, pairs, 1, 11).filter((it) => it !== "no difference seen");
      expect(alarms.length).toBeLessThanOrEqual(ALARMS_MAX);
    });
  }
}

test("A/A: the p value of the sign-flip test is below 5 % at most that often", () => {
  for (const [name, noise] of Object.entries(noises)) {
    const random = new Prng(5);
    let alarms = 0;
    for (let trial = 0; trial < TRIALS_COUNT; trial++) {
      if (comparePaired(...session(noise, 10, 1, random), 1).pValue <= 0.05) alarms++;
    }
    expect(alarms, name).toBeLessThanOrEqual(ALARMS_MAX);
  }
});

test("A/B: 5 % is found when the noise permits, and never the wrong way round", () => {
  // Noise of 3 % a slice and 20 pairs: the standard error is 0.95 %, the effect 5 of them.
  const found = verdictsOf(noises.normal!, 20, 1.05, 21);
  expect(found.filter((it) => it === "b is faster").length).toBeGreaterThanOrEqual(195);
  expect(found).not.toContain("a is faster");
  const drifting = verdictsOf(noises["drifting by 30 %"]!, 10, 1.05, 22);
  expect(drifting.filter((it) => it === "b is faster").length).toBeGreaterThanOrEqual(195);
  const slower = verdictsOf(noises.normal!, 20, 1 / 1.05, 23);
  expect(slower.filter((it) => it === "a is faster").length).toBeGreaterThanOrEqual(195);
});

test("A/B: a change of the detectable ratio is found in about 80 of 100 sessions", () => {
  const random = new Prng(31);
  const logs: number[] = [];
  for (let trial = 0; trial < TRIALS_COUNT; trial++) {
    logs.push(
      Math.log(comparePaired(...session(noises.normal!, 10, 1, random), 1).detectableRatio!),
    );
  }
  const effect = Math.exp(logs.reduce((sum, log) => sum + log, 0) / logs.length);
  const found = verdictsOf(noises.normal!, 10, effect, 32).filter((it) => it === "b is faster");
  // 80 % of 200, ± 3 standard errors, and what the approximation is off by.
  expect(found.length).toBeGreaterThanOrEqual(140);
  expect(found.length).toBeLessThanOrEqual(185);
});

test("confidenceInterval95() and medianInterval95() hold the truth as often as they say", () => {
  const random = new Prng(41);
  let byT = 0;
  let byBootstrap = 0;
  for (let trial = 0; trial < TRIALS_COUNT; trial++) {
    const values = Array.from({ length: 15 }, () => normal(random));
    const mean = confidenceInterval95(values)!;
    const middle = medianInterval95(values, trial)!;
    if (mean.low <= 0 && mean.high >= 0) byT++;
    if (middle.low <= 0 && middle.high >= 0) byBootstrap++;
  }
  expect(byT).toBeGreaterThanOrEqual(TRIALS_COUNT - ALARMS_MAX);
  expect(byT).toBeLessThan(TRIALS_COUNT);
  expect(byBootstrap).toBeGreaterThanOrEqual(TRIALS_COUNT - ALARMS_MAX);
});

/** How many of 200 series of `count` values around those of `shape` are called unsteady. */
function unsteadyCount(
  count: number,
  noise: (random: Prng) => number,
  shape: (part: number) => number,
): number {
  const random = new Prng(count + 51);
  let unsteady = 0;
  for (let trial = 0; trial < TRIALS_COUNT; trial++) {
    const rates = Array.from({ length: count }, (_, at) => shape(at / count) * noise(random));
    if (judgeSteadiness(rates).steady === "no") unsteady++;
  }
  return unsteady;
}

test("judgeSteadiness() calls at most 1 % of flat series unsteady, whatever their noise", () => {
  for (const count of [10, 11, 30, 60, 300]) {
    for (const [name, noise] of Object.entries(noises)) {
      if (name.startsWith("drifting")) continue;
      const alarms = unsteadyCount(
        count,
        (random) => noise(random, 0, 1),
        () => 1,
      );
      // Of 200 at 1 %: more than 8 happen with probability 0.0002.
      expect(alarms, `${name}, ${count} slices`).toBeLessThanOrEqual(8);
    }
  }
});

test("judgeSteadiness() finds ramps, steps and warm-ups in noise of 3 %", () => {
  const shapes: Record<string, (part: number) => number> = {
    "ramp of 20 %": (part) => 1 + 0.2 * part,
    "step of 15 %": (part) => (part < 0.5 ? 1 : 0.85),
    "warm-up from half the rate": (part) => 1 - 0.5 * Math.exp(-part * 6),
  };
  for (const [name, shape] of Object.entries(shapes)) {
    const found = unsteadyCount(30, (random) => noises.normal!(random, 0, 1), shape);
    expect(found, name).toBeGreaterThanOrEqual(196);
  }
});
