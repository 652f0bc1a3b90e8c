/**
 * In which order the slices of several targets run, so that neither the drift of the host nor who
 * ran just before favours one of them.
 *
 * Two targets run A B, B A, B A, A B, and so on. More follow a balanced Latin square (Williams
 * 1949): each target is first equally often and runs right after each other one equally often. Each
 * round is followed by its mirror image, so that a steady drift cancels within two rounds:
 *
 *      3 targets:   0 1 2 | 2 1 0 | 1 2 0 | 0 2 1 | 2 0 1 | 1 0 2
 */
import { assert } from "../../base/assert.ts";

/** A session of this many rounds, or a multiple, is wholly balanced. */
export function balancedRoundsCount(targetsCount: number): number {
  return targetsCount % 2 === 0 ? targetsCount : 2 * targetsCount;
}

/** For each of `roundsCount` rounds the targets (0 to targetsCount - 1) in the order of running. */
export function interleave(targetsCount: number, roundsCount: number): number[][] {
  assert(targetsCount >= 1, `targetsCount (${targetsCount}) must be >= 1`);
  const rounds: number[][] = [];
  for (let round = 0; round < roundsCount; round++) {
    const row = zigzag(targetsCount).map((target) => (target + (round >> 1)) % targetsCount);
    rounds.push(round % 2 === 0 ? row : row.reverse());
  }
  return rounds;
}

/** 0, 1, n - 1, 2, n - 2, …: all differences of neighbours are different. */
function zigzag(count: number): number[] {
  return Array.from({ length: count }, (_, place) =>
    place % 2 === 1 ? (place + 1) >> 1 : (count - (place >> 1)) % count,
  );
}
