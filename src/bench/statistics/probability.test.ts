/** The normal distribution and Student's t against printed tables and numerical integration. */
import { expect, test } from "bun:test";
import { normalCdf, studentCdf, studentQuantile } from "./probability.ts";

test("normalCdf() gives the values of the tables", () => {
  const table: [number, number][] = [
    [0, 0.5],
    [0.5, 0.691462461274],
    [1, 0.841344746069],
    [1.959963984540054, 0.975],
    [-1.959963984540054, 0.025],
    [3, 0.998650101968],
    [-5, 2.866515719e-7],
  ];
  for (const [z, probability] of table) expect(normalCdf(z)).toBeCloseTo(probability, 11);
  expect([normalCdf(40), normalCdf(-40)]).toEqual([1, 0]);
});

/** Columns: probability 0.90, 0.95, 0.975, 0.99, 0.995, 0.9995. */
const PROBABILITIES = [0.9, 0.95, 0.975, 0.99, 0.995, 0.9995];
const T_TABLE: Record<number, number[]> = {
  1: [3.078, 6.314, 12.706, 31.821, 63.657, 636.619],
  2: [1.886, 2.92, 4.303, 6.965, 9.925, 31.599],
  3: [1.638, 2.353, 3.182, 4.541, 5.841, 12.924],
  4: [1.533, 2.132, 2.776, 3.747, 4.604, 8.61],
  5: [1.476, 2.015, 2.571, 3.365, 4.032, 6.869],
  6: [1.44, 1.943, 2.447, 3.143, 3.707, 5.959],
  9: [1.383, 1.833, 2.262, 2.821, 3.25, 4.781],
  10: [1.372, 1.812, 2.228, 2.764, 3.169, 4.587],
  15: [1.341, 1.753, 2.131, 2.602, 2.947, 4.073],
  20: [1.325, 1.725, 2.086, 2.528, 2.845, 3.85],
  29: [1.311, 1.699, 2.045, 2.462, 2.756, 3.659],
  30: [1.31, 1.697, 2.042, 2.457, 2.75, 3.646],
  60: [1.296, 1.671, 2.0, 2.39, 2.66, 3.46],
  100: [1.29, 1.66, 1.984, 2.364, 2.626, 3.39],
  120: [1.289, 1.658, 1.98, 2.358, 2.617, 3.373],
  200: [1.286, 1.653, 1.972, 2.345, 2.601, 3.34],
};

test("studentQuantile() gives the printed table of Student's t", () => {
  for (const [degrees, row] of Object.entries(T_TABLE)) {
    row.forEach((printed, column) => {
      const t = studentQuantile(PROBABILITIES[column]!, Number(degrees));
      expect(Math.abs(t - printed), `df ${degrees}: ${t} for ${printed}`).toBeLessThan(0.00051);
    });
  }
});

/** P(T <= t) by Simpson's rule over the density, whose constant is found by a recurrence. */
function integratedCdf(t: number, degrees: number): number {
  // Γ((n+1)/2) / Γ(n/2), from Γ(1)/Γ(1/2) up in steps of one degree: r(n+1) = (n/2) / r(n).
  let ratio = 1 / Math.sqrt(Math.PI);
  for (let n = 1; n < degrees; n++) ratio = n / 2 / ratio;
  const constant = ratio / Math.sqrt(degrees * Math.PI);
  const density = (x: number) => constant * (1 + (x * x) / degrees) ** (-(degrees + 1) / 2);
  const steps = 2000;
  const width = t / steps;
  let sum = density(0) + density(t);
  for (let i = 1; i < steps; i++) sum += density(i * width) * (i % 2 === 1 ? 4 : 2);
  return 0.5 + (sum * width) / 3;
}

test("studentCdf() equals the integral of the density for 1 to 200 degrees of freedom", () => {
  for (let degrees = 1; degrees <= 200; degrees++) {
    for (const t of [0.1, 0.7, 1.3, 2, 3.5, 6]) {
      const error = Math.abs(studentCdf(t, degrees) - integratedCdf(t, degrees));
      expect(error, `t ${t}, df ${degrees}`).toBeLessThan(1e-9);
    }
  }
});

test("studentQuantile() undoes studentCdf() and is symmetric", () => {
  for (let degrees = 1; degrees <= 200; degrees++) {
    for (const probability of [0.0005, 0.025, 0.2, 0.5, 0.8, 0.9, 0.975, 0.999]) {
      const t = studentQuantile(probability, degrees);
      expect(studentCdf(t, degrees)).toBeCloseTo(probability, 12);
      expect(studentQuantile(1 - probability, degrees)).toBeCloseTo(-t, 6);
    }
  }
  // 5,000 degrees: the normal distribution to four digits.
  expect(studentQuantile(0.975, 5000)).toBeCloseTo(1.96, 3);
});

test("studentQuantile() refuses what has no answer", () => {
  expect(() => studentQuantile(1, 5)).toThrow("probability (1)");
  expect(() => studentQuantile(0.9, 0)).toThrow("degreesOfFreedom (0)");
  expect(() => studentQuantile(0.9, 2.5)).toThrow("degreesOfFreedom (2.5)");
});
