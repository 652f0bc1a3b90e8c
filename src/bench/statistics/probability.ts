/**
 * The two distributions that the statistics need: the normal one and Student's t.
 *
 * Written here rather than taken from a library: of simple-statistics and jstat the one has no t
 * quantile and the other is no longer kept, and the closed forms are short. They are exact to about
 * 1e-13; the tests compare them with printed tables and with numerical integration.
 */
import { assert } from "../../base/assert.ts";

/** Beyond this the tail is below 1e-16 and the series of `normalCdf` has nothing to add. */
const NORMAL_Z_MAX = 8.3;
/** Halvings of a bracket until it is as narrow as a float64 can say. */
const BISECTIONS_MAX = 200;

/**
 * The probability that a standard normal variable is at most `z` (the series of Marsaglia,
 * "Evaluating the Normal Distribution", 2004). The absolute error is below 1e-14.
 */
export function normalCdf(z: number): number {
  if (z > NORMAL_Z_MAX) return 1;
  if (z < -NORMAL_Z_MAX) return 0;
  let term = z;
  let sum = z;
  let previous = 0;
  for (let i = 3; sum !== previous; i += 2) {
    previous = sum;
    term *= (z * z) / i;
    sum += term;
  }
  return 0.5 + (sum * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI);
}

/**
 * The probability that Student's t with `degreesOfFreedom` (an integer >= 1) is at most `t`: the
 * finite sums of Abramowitz and Stegun, 26.7.3 and 26.7.4. Takes time in proportion to the degrees.
 */
export function studentCdf(t: number, degreesOfFreedom: number): number {
  assert(
    Number.isInteger(degreesOfFreedom) && degreesOfFreedom >= 1,
    `degreesOfFreedom (${degreesOfFreedom}) must be an integer >= 1`,
  );
  const angle = Math.atan(t / Math.sqrt(degreesOfFreedom));
  const cosSquared = Math.cos(angle) ** 2;
  const isOdd = degreesOfFreedom % 2 === 1;
  let term = isOdd ? Math.cos(angle) : 1;
  let sum = 0;
  for (let i = isOdd ? 3 : 2; i <= degreesOfFreedom; i += 2) {
    sum += term;
    term *= (cosSquared * (i - 1)) / i;
  }
  const within = isOdd ? (2 / Math.PI) * (angle + Math.sin(angle) * sum) : Math.sin(angle) * sum;
  return 0.5 + within / 2;
}

/** The t that `probability` (above 0, below 1) of the distribution does not exceed. */
export function studentQuantile(probability: number, degreesOfFreedom: number): number {
  assert(
    probability > 0 && probability < 1,
    `probability (${probability}) must be between 0 and 1`,
  );
  if (probability < 0.5) return -studentQuantile(1 - probability, degreesOfFreedom);
  let high = 1;
  while (studentCdf(high, degreesOfFreedom) < probability) high *= 2;
  let low = 0;
  for (let i = 0; i < BISECTIONS_MAX; i++) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (studentCdf(middle, degreesOfFreedom) < probability) low = middle;
    else high = middle;
  }
  return high;
}
