/** The notation of key distributions: what parses, and the messages of what does not. */
import { expect, test } from "bun:test";
import { formatKeyDistribution, parseKeyDistribution } from "./distributions.ts";

test("parseKeyDistribution() knows every form, alias and default, in any case", () => {
  const forms: Record<string, string> = {
    uniform: "uniform",
    Random: "uniform",
    SEQ: "sequential",
    sequential: "sequential",
    gaussian: "gauss",
    zipf: "zipf:0.99",
    "zipfian:1.2": "zipf:1.2",
    "zipf:1": "zipf:1",
    "latest:.5": "latest:0.5",
    latest: "latest:0.99",
    hotspot: "hotspot:0.2/0.8",
    "Hotspot:0.01/1": "hotspot:0.01/1",
    "hotspot:1/0": "hotspot:1/0",
  };
  for (const [text, canonical] of Object.entries(forms)) {
    const distribution = parseKeyDistribution(text);
    expect(formatKeyDistribution(distribution)).toBe(canonical);
    expect(parseKeyDistribution(canonical)).toEqual(distribution);
  }
});

test("parseKeyDistribution() says what is wrong and what would be right", () => {
  const all =
    "uniform, sequential, zipf[:theta], hotspot[:keys/operations], gauss or latest[:theta]";
  const messages: Record<string, string> = {
    zipff: `unknown distribution (zipff), use ${all}`,
    "": `unknown distribution (), use ${all}`,
    constructor: `unknown distribution (constructor), use ${all}`,
    "uniform:2": "uniform takes no parameter (uniform:2)",
    "zipf:": "theta of zipf must be above 0 and at most 5 ()",
    "zipf:0": "theta of zipf must be above 0 and at most 5 (0)",
    "zipf:5.1": "theta of zipf must be above 0 and at most 5 (5.1)",
    "latest:-1": "theta of latest must be above 0 and at most 5 (-1)",
    "zipf:1e-1": "theta of zipf must be above 0 and at most 5 (1e-1)",
    "hotspot:0.2": "hotspot takes two fractions, as in hotspot:0.2/0.8 (0.2)",
    "hotspot:0.2/0.8/1": "hotspot takes two fractions, as in hotspot:0.2/0.8 (0.2/0.8/1)",
    "hotspot:0/0.8": "the keys of hotspot must be above 0 and at most 1 (0)",
    "hotspot:20/0.8": "the keys of hotspot must be above 0 and at most 1 (20)",
    "hotspot:0.2/80": "the operations of hotspot must be from 0 to 1 (80)",
  };
  for (const [text, message] of Object.entries(messages)) {
    expect(() => parseKeyDistribution(text), text).toThrow(new RangeError(message));
  }
});
