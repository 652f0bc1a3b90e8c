/**
 * Floating point as INCRBYFLOAT computes it: 64 bits of mantissa, 15 of exponent (x87 "long
 * double").
 *
 * Redis adds in that format and prints 17 decimals, and clients see the result: 10.5 + 0.1 must be
 * "10.6", which double precision prints as 10.59999999999999964. JavaScript has no such type, so a
 * value here is a BigInt mantissa and a power of two, rounded to nearest-even at the same places
 * where the hardware rounds.
 *
 *   value = mantissa * 2^exponent     |mantissa| < 2^64,  -16445 <= exponent
 *
 * Cold by nature: it allocates. The text grammar is that of C's strtold: decimal, hexadecimal,
 * infinity.
 * Not here: doubles of the protocol (resp), integers (number.ts).
 */

/** A finite value: `mantissa * 2^exponent`. */
export interface ExtendedFloat {
  readonly mantissa: bigint;
  readonly exponent: number;
}

/**
 * The value of a text that is a valid float but too large to be finite, or the result of such an
 * addition.
 */
export const INFINITE = Symbol("infinite");

/** Redis copies the text into a buffer of this size, terminator included, before parsing it. */
const TEXT_LENGTH_MAX = 5 * 1024 - 1;
const MANTISSA_BITS = 64;
const MANTISSA_LIMIT = 1n << 64n;
/** Exponent of the smallest denormal. */
const EXPONENT_MIN = -16445;
/** Values of 2^16384 and above are infinite. */
const MAGNITUDE_BITS_MAX = 16384;
/**
 * Decimal exponents beyond this give zero or infinity whatever the digits (which are
 * TEXT_LENGTH_MAX at most).
 */
const DECIMAL_EXPONENT_MAX = 12_000;
const DECIMALS = 17;
const DECIMALS_SCALE = 10n ** 17n;

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;
const HEXADECIMAL = /^([+-]?)0[xX]([\da-fA-F]*)(?:\.([\da-fA-F]*))?(?:[pP]([+-]?\d+))?$/;
const INFINITY = /^[+-]?inf(?:inity)?$/i;

/**
 * The value of `text`, INFINITE for a spelt-out infinity, or null when it is no valid float: also
 * when it is NaN, or overflows, or is not zero but too small for anything else (as Redis has it).
 */
export function parseExtended(text: string): ExtendedFloat | typeof INFINITE | null {
  if (text.length === 0 || text.length > TEXT_LENGTH_MAX) return null;
  if (INFINITY.test(text)) return INFINITE;
  const decimal = DECIMAL.exec(text);
  if (decimal !== null) return fromParts(decimal, 10);
  const hexadecimal = HEXADECIMAL.exec(text);
  return hexadecimal === null ? null : fromParts(hexadecimal, 16);
}

/** The rounded sum, or INFINITE. */
export function addExtended(a: ExtendedFloat, b: ExtendedFloat): ExtendedFloat | typeof INFINITE {
  const exponent = Math.min(a.exponent, b.exponent);
  const sum =
    (a.mantissa << BigInt(a.exponent - exponent)) + (b.mantissa << BigInt(b.exponent - exponent));
  return roundToExtended(sum, 1n, exponent);
}

/**
 * Decimal text with up to 17 decimals, no exponent, and no trailing zeros; negative zero is "0".
 */
export function formatExtended(value: ExtendedFloat): string {
  const isNegative = value.mantissa < 0n;
  const magnitude = isNegative ? -value.mantissa : value.mantissa;
  let scaled = magnitude * DECIMALS_SCALE;
  if (value.exponent >= 0) scaled <<= BigInt(value.exponent);
  else scaled = divideToEven(scaled, 1n << BigInt(-value.exponent));
  const digits = scaled.toString().padStart(DECIMALS + 1, "0");
  const split = digits.length - DECIMALS;
  const decimals = digits.slice(split).replace(/0+$/, "");
  const text = decimals === "" ? digits.slice(0, split) : `${digits.slice(0, split)}.${decimals}`;
  return isNegative && text !== "0" ? `-${text}` : text;
}

function fromParts(
  [, sign, whole = "", decimals = "", exponent = "0"]: RegExpExecArray,
  base: 10 | 16,
): ExtendedFloat | typeof INFINITE | null {
  const digits = whole + decimals;
  if (digits === "") return null;
  const magnitude = BigInt(base === 10 ? digits : `0x${digits}`);
  if (magnitude === 0n) return { mantissa: 0n, exponent: EXPONENT_MIN };
  const signed = sign === "-" ? -magnitude : magnitude;
  const value =
    base === 10
      ? scaleDecimal(signed, decimals.length, exponent)
      : scaleBinary(signed, decimals.length, exponent);
  // Out of range in either direction is an error here, unlike an infinity that is spelt out.
  return value === INFINITE || value.mantissa === 0n ? null : value;
}

function scaleDecimal(signed: bigint, decimals: number, exponentText: string) {
  const exponent = clampExponent(exponentText, DECIMAL_EXPONENT_MAX) - decimals;
  if (exponent >= 0) return roundToExtended(signed * 10n ** BigInt(exponent), 1n, 0);
  return roundToExtended(signed, 10n ** BigInt(-exponent), 0);
}

function scaleBinary(signed: bigint, hexDecimals: number, exponentText: string) {
  return roundToExtended(signed, 1n, clampExponent(exponentText, 64_000) - 4 * hexDecimals);
}

function clampExponent(text: string, max: number): number {
  return Math.max(-max, Math.min(max, Number(text)));
}

/** `numerator / denominator * 2^exponent`, rounded once, half to even. */
function roundToExtended(
  numerator: bigint,
  denominator: bigint,
  exponent: number,
): ExtendedFloat | typeof INFINITE {
  if (numerator === 0n) return { mantissa: 0n, exponent: EXPONENT_MIN };
  const isNegative = numerator < 0n;
  const magnitude = isNegative ? -numerator : numerator;
  // The quotient has this many bits, or one less.
  const bits = bitLength(magnitude) - bitLength(denominator) + 1;
  let shift = Math.max(bits - MANTISSA_BITS, EXPONENT_MIN - exponent);
  let mantissa = divideShifted(magnitude, denominator, shift);
  if (
    bits - MANTISSA_BITS === shift &&
    mantissa < MANTISSA_LIMIT / 2n &&
    shift > EXPONENT_MIN - exponent
  ) {
    shift--;
    mantissa = divideShifted(magnitude, denominator, shift);
  }
  if (bitLength(mantissa) + shift + exponent > MAGNITUDE_BITS_MAX) return INFINITE;
  return { mantissa: isNegative ? -mantissa : mantissa, exponent: shift + exponent };
}

function divideShifted(magnitude: bigint, denominator: bigint, shift: number): bigint {
  if (shift >= 0) return divideToEven(magnitude, denominator << BigInt(shift));
  return divideToEven(magnitude << BigInt(-shift), denominator);
}

function divideToEven(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator;
  const twice = (numerator - quotient * denominator) * 2n;
  const isUp = twice > denominator || (twice === denominator && (quotient & 1n) === 1n);
  return isUp ? quotient + 1n : quotient;
}

function bitLength(magnitude: bigint): number {
  const hex = magnitude.toString(16);
  return (hex.length - 1) * 4 + (32 - Math.clz32(parseInt(hex[0]!, 16)));
}
