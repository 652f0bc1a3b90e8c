/** Reserving the store's memory: bounds, refusals of the system, secrets. */
import { describe, expect, test } from "bun:test";
import { FatalError, UsageError } from "../base/errors.ts";
import { SEGMENT_SIZE, SEGMENTS_MAX, WORKERS_MAX } from "./layout.ts";
import { Memory, memoryLimit, RESERVE_SIZE_MIN, reserveMemory } from "./memory.ts";

describe("reserveMemory()", () => {
  test("refuses sizes out of bounds, and says which are in", () => {
    const largest = SEGMENTS_MAX * SEGMENT_SIZE;
    for (const size of [0, -1, Number.NaN, RESERVE_SIZE_MIN - 1, largest + 1]) {
      expect(() => reserveMemory(size, 1)).toThrow(UsageError);
      expect(() => reserveMemory(size, 1)).toThrow(
        `reserve: size (${size}) must be between ${RESERVE_SIZE_MIN} and ${largest} bytes`,
      );
    }
  });

  test("refuses numbers of Workers out of bounds", () => {
    for (const workers of [0, -1, 1.5, Number.NaN, WORKERS_MAX + 1]) {
      const message = `workers: count (${workers}) must be between 1 and ${WORKERS_MAX}`;
      expect(() => reserveMemory(RESERVE_SIZE_MIN, workers)).toThrow(message);
    }
  });

  test("takes half again and again when the system refuses, and gives up below the minimum", () => {
    const original = globalThis.SharedArrayBuffer;
    const refuse = (segmentsMax: number) => {
      let segments = 0;
      globalThis.SharedArrayBuffer = class extends original {
        constructor(size: number) {
          if (size !== SEGMENT_SIZE) segments = 0;
          else if (++segments > segmentsMax) throw new RangeError("Out of memory");
          super(size);
        }
      } as typeof SharedArrayBuffer;
    };
    try {
      refuse(3);
      expect(reserveMemory(RESERVE_SIZE_MIN * 8, 1).segments.length).toBe(2);
      refuse(1);
      expect(() => reserveMemory(RESERVE_SIZE_MIN * 8, 1)).toThrow(FatalError);
    } finally {
      globalThis.SharedArrayBuffer = original;
    }
  });

  test("draws new secrets for each store, and every Worker has the same", () => {
    const [first, second] = [
      reserveMemory(RESERVE_SIZE_MIN, 2),
      reserveMemory(RESERVE_SIZE_MIN, 2),
    ];
    expect(new Memory(first, 0).secret).toEqual(new Memory(first, 1).secret);
    expect(new Memory(first, 0).secret).not.toEqual(new Memory(second, 0).secret);
  });

  test("starts without a limit", () => {
    const memory = new Memory(reserveMemory(RESERVE_SIZE_MIN, 1), 0);
    expect(memoryLimit(memory)).toBe(Number.POSITIVE_INFINITY);
  });
});
