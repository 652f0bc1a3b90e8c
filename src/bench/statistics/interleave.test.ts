/** The order of slices: balance of firsts, of neighbours, and of drift. */
import { expect, test } from "bun:test";
import { balancedRoundsCount, interleave } from "./interleave.ts";

test("interleave() runs two targets ABBA, and one alone", () => {
  expect(interleave(2, 4)).toEqual([
    [0, 1],
    [1, 0],
    [1, 0],
    [0, 1],
  ]);
  expect(interleave(1, 2)).toEqual([[0], [0]]);
  expect(interleave(3, 0)).toEqual([]);
});

for (let targets = 2; targets <= 9; targets++) {
  test(`interleave() of ${targets} targets is balanced after balancedRoundsCount()`, () => {
    const rounds = interleave(targets, balancedRoundsCount(targets));
    const firsts = new Array(targets).fill(0);
    const neighbours = new Map<string, number>();
    for (const round of rounds) {
      expect([...round].sort((x, y) => x - y)).toEqual([...Array(targets).keys()]);
      firsts[round[0]!]++;
      for (let i = 1; i < targets; i++) {
        const pair = `${round[i - 1]} before ${round[i]}`;
        neighbours.set(pair, (neighbours.get(pair) ?? 0) + 1);
      }
    }
    expect(new Set(firsts).size).toBe(1);
    expect(neighbours.size).toBe(targets * (targets - 1));
    expect(new Set(neighbours.values()).size).toBe(1);
  });

  test(`interleave() of ${targets} targets cancels a steady drift every two rounds`, () => {
    const rounds = interleave(targets, 2);
    const places = rounds.flat();
    const sums = [...Array(targets).keys()].map((target) =>
      places.reduce((sum, it, place) => (it === target ? sum + place : sum), 0),
    );
    expect(new Set(sums).size).toBe(1);
  });

  test(`interleave() of ${targets} targets: firsts differ by at most 1`, () => {
    const firsts = new Array(targets).fill(0);
    for (const round of interleave(targets, 5 * targets)) {
      firsts[round[0]!]++;
      expect(Math.max(...firsts) - Math.min(...firsts)).toBeLessThanOrEqual(1);
    }
  });
}
