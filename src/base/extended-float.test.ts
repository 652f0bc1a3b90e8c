/** Tests of extended-float.ts. Expected sums were taken from a server whose floats are x87's. */
import { expect, test } from "bun:test";
import { addExtended, formatExtended, INFINITE, parseExtended } from "./extended-float.ts";

function format(text: string): string {
  const value = parseExtended(text);
  if (value === null || value === INFINITE) return String(value === null ? "invalid" : "infinite");
  return formatExtended(value);
}

function add(a: string, b: string): string {
  const left = parseExtended(a);
  const right = parseExtended(b);
  if (left === null || right === null || left === INFINITE || right === INFINITE) return "invalid";
  const sum = addExtended(left, right);
  return sum === INFINITE ? "infinite" : formatExtended(sum);
}

test("addExtended() rounds to 64 bits of mantissa", () => {
  expect(add("10.50", "0.1")).toBe("10.6");
  expect(add("0.1", "0.2")).toBe("0.3");
  expect(add("5200", "1e-2")).toBe("5200.00999999999999979");
  expect(add("1", "12345678901234567890")).toBe("12345678901234567891");
  expect(add("123456789012345678901234567890", "1")).toBe("123456789012345678899921813504");
  expect(add("3.14159265358979323846", "2.71828182845904523536")).toBe("5.85987448204883847");
  expect(add("18446744073709551615", "1")).toBe("18446744073709551616");
  expect(add("18446744073709551616", "1")).toBe("18446744073709551616");
  expect(add("1.5", "-1.5")).toBe("0");
  expect(add("-0", "-0")).toBe("0");
  expect(add("1.1e4932", "1.1e4932")).toBe("infinite");
  expect(add("-1.1e4932", "-1.1e4932")).toBe("infinite");
});

test("parseExtended() reads decimals, hexadecimals and signs", () => {
  expect(format("+1")).toBe("1");
  expect(format(".5")).toBe("0.5");
  expect(format("5.")).toBe("5");
  expect(format("1E2")).toBe("100");
  expect(format("0x10")).toBe("16");
  expect(format("0X1.8p1")).toBe("3");
  expect(format("-0x.8")).toBe("-0.5");
  expect(format("0e99999999999999999999")).toBe("0");
  expect(format("1e-4950")).toBe("0");
  expect(parseExtended("inf")).toBe(INFINITE);
  expect(parseExtended("-Infinity")).toBe(INFINITE);
});

test("parseExtended() refuses what is no float, overflows, or vanishes", () => {
  const refused = ["", ".", "+", "-", "e5", "1e", "1e+", "1.2.3", "0x", "0x1p", "nan", "infinit"];
  for (const text of [...refused, " 1", "1 ", "1,5", "1\0", "1e5000", "1e-5000", "0x1p20000"]) {
    expect([text, parseExtended(text)]).toEqual([text, null]);
  }
  expect(parseExtended("1".repeat(5119))).toBeNull();
  expect(parseExtended("0".repeat(5120))).toBeNull();
  expect(format("0".repeat(5119))).toBe("0");
});

test("parseExtended() rounds half to even, and the largest finite value does not overflow", () => {
  // 2^64 + 1 lies in the middle between two values, 2^64 + 3 too.
  expect(format("18446744073709551617")).toBe("18446744073709551616");
  expect(format("18446744073709551619")).toBe("18446744073709551620");
  expect(format("0x1.fffffffffffffffep16383").length).toBe(4933);
  expect(parseExtended("0x1.ffffffffffffffffp16383")).toBeNull();
});
