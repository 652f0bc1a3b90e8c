/**
 * Measures what a workload spends on its choices: the next key, size, time, kind and request.
 *
 *      bun src/bench/workloads/draws.bench.ts
 *
 * `runDraws` with few rounds runs in the tests, so that this does not rot. The checksum shows that
 * the work was done.
 */
import { createArrivals } from "./arrivals.ts";
import { parseCommandTemplate } from "./command-template.ts";
import { parseKeyDistribution } from "./distributions.ts";
import { createKeyOrder } from "./key-order.ts";
import { OperationMix, YCSB_PRESETS } from "./operation-mix.ts";
import { TemplateRenderer } from "./template-renderer.ts";
import { formatValueSizes, parseValueSizes, ValueSizer } from "./value-sizes.ts";
import { createValues } from "./values.ts";

const KEYS_COUNT = 1_000_000;
const SEED = 1;
const FORMS = ["sequential", "uniform", "zipf", "zipf:1", "zipf:1.5", "hotspot", "gauss", "latest"];
const TEMPLATES = [
  "GET {key}",
  "SET {key zipf} {value 64}",
  "SET {key} {value 64-1024} EX {rand 9}",
];

/** `draw` makes one choice and returns something that depends on it. */
interface Draw {
  readonly name: string;
  draw(at: number): number;
}

function makeDraws(): Draw[] {
  const draws: Draw[] = [];
  for (const count of [KEYS_COUNT, 2 ** 31 - 1]) {
    for (const form of FORMS) {
      const order = createKeyOrder(parseKeyDistribution(form), count, SEED);
      draws.push({ name: `key: ${form} of ${count}`, draw: () => order.next() });
    }
  }
  for (const text of ["64-1024", "64:50,1024:30,4kb:20"]) {
    const sizer = new ValueSizer(parseValueSizes(text), SEED);
    draws.push({ name: `size: ${text}`, draw: (at) => sizer.sizeOf(at) });
  }
  for (const kind of ["const", "poisson"] as const) {
    const arrivals = createArrivals(kind, 1e6, SEED);
    const draw = (at: number) => arrivals.dueCount(at * 1000) + arrivals.nextNs();
    draws.push({ name: `arrival: ${kind}, due and next`, draw });
  }
  const mix = new OperationMix(
    YCSB_PRESETS.b.shares.map(({ weight }) => weight),
    SEED,
  );
  draws.push({ name: "kind: YCSB B", draw: () => mix.next() });
  return [...draws, ...TEMPLATES.map(templateDraw)];
}

function templateDraw(text: string): Draw {
  const renderer = new TemplateRenderer(parseCommandTemplate(text), {
    keys: { kind: "uniform" },
    keysCount: KEYS_COUNT,
    valuesOf: (sizes) => {
      const size = sizes === null ? "64" : formatValueSizes(sizes);
      return createValues({ size, format: "string", zstdLevel: null, compressibility: 0 }, SEED);
    },
    seed: SEED,
  });
  const target = Buffer.alloc(renderer.sizeMax);
  return { name: `request: ${text}`, draw: () => renderer.write(target, 0) };
}

/** Nanoseconds per draw of each kind, and a checksum. */
export function runDraws(rounds: number): { costs: Map<string, number>; checksum: number } {
  const costs = new Map<string, number>();
  let checksum = 0;
  for (const it of makeDraws()) {
    const warmed = measure(it, rounds, 0);
    const { ns, sum } = measure(it, rounds, rounds);
    costs.set(it.name, ns);
    checksum += sum + warmed.sum;
  }
  return { costs, checksum };
}

function measure({ draw }: Draw, rounds: number, from: number): { ns: number; sum: number } {
  let sum = 0;
  const startNs = Bun.nanoseconds();
  for (let i = from; i < from + rounds; i++) sum += draw(i);
  return { ns: (Bun.nanoseconds() - startNs) / rounds, sum };
}

if (import.meta.main) {
  const { costs, checksum } = runDraws(3_000_000);
  for (const [name, ns] of costs) {
    process.stdout.write(`${name.padEnd(48)} ${ns.toFixed(1)} ns\n`);
  }
  process.stdout.write(`checksum ${checksum}\n`);
}
