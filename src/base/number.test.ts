/** Tests of number.ts: what is a canonical integer, at every length and at both ends of 64 bits. */
import { expect, test } from "bun:test";
import { parseInt64, parseSafeInteger } from "./number.ts";
import { Prng } from "./prng.ts";

function safe(text: string): number {
  // Bytes on either side must not matter.
  const bytes = Buffer.from(`9${text}9`, "latin1");
  return parseSafeInteger(bytes, 1, bytes.length - 2);
}

function exact(text: string): bigint | null {
  const bytes = Buffer.from(`9${text}9`, "latin1");
  return parseInt64(bytes, 1, bytes.length - 2);
}

test("parseSafeInteger() reads every canonical integer up to 2^53 - 1", () => {
  for (const value of [0, 1, -1, 9, 10, -10, 99, 12_345, 2 ** 31, -(2 ** 31), 2 ** 53 - 1]) {
    expect(safe(`${value}`)).toBe(value);
    expect(safe(`${-value}`)).toBe(value === 0 ? 0 : -value);
  }
});

test("parseSafeInteger() and parseInt64() refuse what is not canonical", () => {
  const refused = [
    "",
    "-",
    "+1",
    "-0",
    "00",
    "01",
    "-01",
    " 1",
    "1 ",
    "1.0",
    "1e3",
    "0x1",
    "a",
    "--1",
  ];
  for (const text of [
    ...refused,
    "1\0",
    "١",
    "9".repeat(40),
    `${"1".repeat(20)}a`,
    "-".repeat(20),
  ]) {
    expect(safe(text)).toBeNaN();
    expect(exact(text)).toBeNull();
  }
});

test("parseSafeInteger() refuses integers beyond 2^53 - 1, which parseInt64() reads", () => {
  for (const text of [
    "9007199254740992",
    "-9007199254740992",
    "9007199254740993",
    "99999999999999999",
  ]) {
    expect(safe(text)).toBeNaN();
    expect(exact(text)).toBe(BigInt(text));
  }
});

test("parseInt64() ends at -2^63 and 2^63 - 1", () => {
  for (const text of ["9223372036854775807", "-9223372036854775808"]) {
    expect(exact(text)).toBe(BigInt(text));
  }
  for (const text of ["9223372036854775808", "-9223372036854775809", "99999999999999999999"]) {
    expect(exact(text)).toBeNull();
  }
});

test("parseInt64() agrees with BigInt on random integers of every length", () => {
  const random = new Prng(20_261_120);
  for (let i = 0; i < 20_000; i++) {
    const digits = 1 + random.below(20);
    let text = random.below(2) === 0 ? "-" : "";
    for (let k = 0; k < digits; k++) text += String(random.below(10));
    const value = BigInt(text);
    const isCanonical = value.toString() === text;
    const fits = value >= -(2n ** 63n) && value < 2n ** 63n;
    expect(exact(text)).toBe(isCanonical && fits ? value : null);
  }
});
