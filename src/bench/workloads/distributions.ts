/**
 * Which keys of 0 to n - 1 a load touches, and how often each: the value of `--key-dist`.
 *
 *      uniform                 every key equally often
 *      sequential              0, 1, 2, … and again from 0
 *      zipf[:theta]            the k-th most popular key in proportion to 1 / k^theta (0.99)
 *      hotspot[:keys/ops]      so many of the operations on so many of the keys (0.2/0.8)
 *      gauss                   a bell over the key numbers: middle n/2, standard deviation n/6
 *      latest[:theta]          zipf by age: the newest key is the most popular one (YCSB D)
 *
 * Popular keys of zipf and hotspot lie scattered over the key numbers (scatter.ts), or popularity
 * would follow the order of insertion and flatter a store that keeps neighbours together. gauss and
 * latest mean the key numbers themselves.
 * Here: the notation and its bounds. The draws are in key-order.ts.
 */

export type KeyDistribution =
  | { readonly kind: "uniform" | "sequential" | "gauss" }
  | { readonly kind: "zipf" | "latest"; readonly theta: number }
  | {
      readonly kind: "hotspot";
      /** Above 0, at most 1. */
      readonly keysFraction: number;
      /** From 0 to 1. */
      readonly operationsFraction: number;
    };

/** YCSB's. */
export const THETA_DEFAULT = 0.99;
/** Beyond this the first key gets 97 % and more. */
export const THETA_MAX = 5;
const HOTSPOT_DEFAULT = "0.2/0.8";

const FORMS =
  "uniform, sequential, zipf[:theta], hotspot[:keys/operations], gauss or latest[:theta]";

const ALIASES: Readonly<Record<string, string>> = {
  random: "uniform",
  seq: "sequential",
  zipfian: "zipf",
  gaussian: "gauss",
};

/**
 * The distribution that `text` names, in any case. Throws RangeError whose message stands behind
 * "--key-dist: ".
 */
export function parseKeyDistribution(text: string): KeyDistribution {
  const colon = text.indexOf(":");
  const name = (colon === -1 ? text : text.slice(0, colon)).toLowerCase();
  const kind = Object.hasOwn(ALIASES, name) ? (ALIASES[name] as string) : name;
  const parameter = colon === -1 ? null : text.slice(colon + 1);
  switch (kind) {
    case "uniform":
    case "sequential":
    case "gauss":
      if (parameter !== null) throw new RangeError(`${kind} takes no parameter (${text})`);
      return { kind };
    case "zipf":
    case "latest":
      return { kind, theta: parameter === null ? THETA_DEFAULT : parseTheta(kind, parameter) };
    case "hotspot":
      return parseHotspot(parameter ?? HOTSPOT_DEFAULT);
    default:
      throw new RangeError(`unknown distribution (${text}), use ${FORMS}`);
  }
}

/** The notation that parses back to `distribution`, every parameter written out. */
export function formatKeyDistribution(distribution: KeyDistribution): string {
  switch (distribution.kind) {
    case "zipf":
    case "latest":
      return `${distribution.kind}:${distribution.theta}`;
    case "hotspot":
      return `hotspot:${distribution.keysFraction}/${distribution.operationsFraction}`;
    default:
      return distribution.kind;
  }
}

function parseTheta(kind: string, text: string): number {
  const theta = parseDecimal(text);
  if (theta !== null && theta > 0 && theta <= THETA_MAX) return theta;
  throw new RangeError(`theta of ${kind} must be above 0 and at most ${THETA_MAX} (${text})`);
}

function parseHotspot(text: string): KeyDistribution {
  const [keysText = "", operationsText = "", ...rest] = text.split("/");
  const keysFraction = parseDecimal(keysText);
  const operationsFraction = parseDecimal(operationsText);
  if (keysFraction === null || operationsFraction === null || rest.length > 0) {
    throw new RangeError(`hotspot takes two fractions, as in hotspot:${HOTSPOT_DEFAULT} (${text})`);
  }
  if (keysFraction <= 0 || keysFraction > 1) {
    throw new RangeError(`the keys of hotspot must be above 0 and at most 1 (${keysText})`);
  }
  if (operationsFraction > 1) {
    throw new RangeError(`the operations of hotspot must be from 0 to 1 (${operationsText})`);
  }
  return { kind: "hotspot", keysFraction, operationsFraction };
}

/** An unsigned decimal fraction, or null. */
function parseDecimal(text: string): number | null {
  return /^(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)$/.test(text) ? Number(text) : null;
}
