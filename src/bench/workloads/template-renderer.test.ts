/** Rendered requests, byte for byte and by reading them back. */
import { expect, test } from "bun:test";
import { decodeReplies } from "../../resp/reader.ts";
import { parseCommandTemplate } from "./command-template.ts";
import { createKeyOrder } from "./key-order.ts";
import { TemplateRenderer, type TemplateRendererOptions } from "./template-renderer.ts";
import { parseValueSizes, ValueSizer, type ValueSizes } from "./value-sizes.ts";
import type { ValueSource } from "./values.ts";

/** A value is the letter of its key, as often as it is long. */
function lettersOf(sizes: ValueSizes): ValueSource {
  const sizer = new ValueSizer(sizes, 7);
  const write = (key: number, target: Buffer, at: number) => {
    target.fill(97 + (key % 26), at, at + sizer.sizeOf(key));
    return sizer.sizeOf(key);
  };
  return {
    sizeMax: sizer.sizeMax,
    sizeMean: sizer.sizeMean,
    sizeOf: (key) => sizer.sizeOf(key),
    write,
    bytesOf: () => Buffer.alloc(0),
    check: () => true,
    identify: () => 0,
    isNumbered: false,
    isDecoded: false,
  };
}

const DEFAULTS: TemplateRendererOptions = {
  keys: { kind: "sequential" },
  keysCount: 1000,
  valuesOf: (sizes) => lettersOf(sizes ?? parseValueSizes("3")),
  seed: 7,
};

function rendererOf(text: string, options: Partial<TemplateRendererOptions> = {}) {
  return new TemplateRenderer(parseCommandTemplate(text), { ...DEFAULTS, ...options });
}

/** The next `count` requests, one after the other in one buffer, as their bytes. */
function render(renderer: TemplateRenderer, count: number): string {
  const target = Buffer.alloc(renderer.sizeMax * count);
  let end = 0;
  for (let i = 0; i < count; i++) end = renderer.write(target, end);
  return target.toString("latin1", 0, end);
}

/** The same as lists of arguments. */
function argumentsOf(renderer: TemplateRenderer, count: number): string[][] {
  const bytes = Buffer.from(render(renderer, count), "latin1");
  return decodeReplies(bytes, { bulksAsText: true }) as string[][];
}

test("TemplateRenderer writes a fixed request byte for byte", () => {
  const ping = rendererOf('PING ""');
  expect(render(ping, 2)).toBe("*2\r\n$4\r\nPING\r\n$0\r\n\r\n".repeat(2));
  expect(ping.sizeMax).toBe(20);
  const set = rendererOf("SET a{key}b {value}");
  expect(render(set, 2)).toBe(
    "*3\r\n$3\r\nSET\r\n$16\r\nakey:0000000000b\r\n$3\r\naaa\r\n" +
      "*3\r\n$3\r\nSET\r\n$16\r\nakey:0000000001b\r\n$3\r\nbbb\r\n",
  );
  expect([set.sizeMax, set.payloadSizeMean]).toEqual([render(set, 1).length, 3]);
});

test("TemplateRenderer writes the length of what varies", () => {
  const renderer = rendererOf('APPEND "é {seq}/{rand 1000}" {value 1-200}');
  const requests = argumentsOf(renderer, 300);
  const seen = new Set<number>();
  requests.forEach(([name, text, value], at) => {
    expect(name).toBe("APPEND");
    const [, number, random] = /^Ã© (\d+)\/(\d+)$/.exec(text!)!;
    expect(number).toBe(String(at));
    expect(Number(random)).toBeLessThan(1000);
    expect(String(Number(random))).toBe(random!);
    // Without a key a value is that of the request's number.
    expect(value).toBe(String.fromCharCode(97 + (at % 26)).repeat(value!.length));
    seen.add(value!.length);
  });
  expect(seen.size).toBeGreaterThan(100);
  expect(Math.max(...seen)).toBeLessThanOrEqual(200);
  expect(render(renderer, 1).length).toBeLessThanOrEqual(renderer.sizeMax);
});

test("TemplateRenderer draws keys as the template or else the run says", () => {
  const own = argumentsOf(rendererOf("GET {key zipf 50}"), 200).map(([, key]) => key!);
  const order = createKeyOrder({ kind: "zipf", theta: 0.99 }, 50, DEFAULTS.seed);
  for (const key of own) expect(key).toBe(`key:${String(order.next()).padStart(10, "0")}`);
  const run = argumentsOf(rendererOf("GET {key}", { keysCount: 3 }), 4).map(([, key]) => key!);
  expect(run.map((key) => Number(key.slice(4)))).toEqual([0, 1, 2, 0]);
});

test("TemplateRenderer gives a value to the key before it, with that key's size", () => {
  const sizes = parseValueSizes("1-100");
  const sizer = new ValueSizer(sizes, DEFAULTS.seed);
  const renderer = rendererOf("MSET {key} {value} {key} {value}", {
    valuesOf: () => lettersOf(sizes),
  });
  const requests = argumentsOf(renderer, 50);
  requests.forEach(([, ...pairs], at) => {
    for (const place of [0, 1]) {
      const key = 2 * at + place;
      expect(pairs[2 * place]).toBe(`key:${String(key).padStart(10, "0")}`);
      const letter = String.fromCharCode(97 + (key % 26));
      expect(pairs[2 * place + 1]).toBe(letter.repeat(sizer.sizeOf(key)));
    }
  });
  const [[, value, key] = []] = argumentsOf(rendererOf("LPUSHX {value} {key}"), 1);
  expect([value, key]).toEqual(["aaa", "key:0000000000"]);
});

test("TemplateRenderer repeats with its seed", () => {
  const text = "SET {key uniform} {value 1-9}{rand 4294967296}";
  expect(render(rendererOf(text), 50)).toBe(render(rendererOf(text), 50));
  expect(render(rendererOf(text), 50)).not.toBe(render(rendererOf(text, { seed: 8 }), 50));
});

test("TemplateRenderer never needs more room than it says", () => {
  for (const text of [
    "X {rand 1}",
    "X {rand 10}{rand 11}",
    "X {seq}",
    "MSET {key uniform 2147483647} {value 1-1000:1,5000:1} 'x' {value 7}",
  ]) {
    const renderer = rendererOf(text);
    const target = Buffer.alloc(renderer.sizeMax + 1);
    for (let i = 0; i < 500; i++) {
      const end = renderer.write(target, 0);
      expect(end).toBeLessThanOrEqual(renderer.sizeMax);
      expect(decodeReplies(target.subarray(0, end)).length).toBe(1);
    }
  }
});
