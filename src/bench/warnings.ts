/**
 * What makes figures doubtful: sides that are not set up alike, keys that were there before, a busy
 * machine, phases too short to be steady.
 */
import { formatDurationNs } from "../base/units.ts";
import { backendOf } from "./backends.ts";
import type { Environment } from "./environment.ts";
import type { TargetResult } from "./result.ts";
import type { TargetFacts } from "./target-facts.ts";

/** A shorter phase mostly shows how a server that compiles as it runs warms up. */
const STEADY_NS_MIN = 1_000_000_000;
/** Settings that decide what a write costs. */
const SETTINGS = ["save", "appendonly"];

/** One line each, worded to stand behind "warning: ". */
export function findWarnings(targets: TargetResult[], environment: Environment): string[] {
  return [
    ...differingSettings(targets),
    ...inProcess(targets),
    ...targets.flatMap(aboutTarget),
    ...aboutMachine(environment),
    ...tooShort(targets),
  ];
}

function differingSettings(targets: TargetResult[]): string[] {
  return SETTINGS.flatMap((name) => {
    const known = targets.filter(({ facts }) => Object.keys(facts.settings).length > 0);
    const values = known.map(({ label, facts }) => `${label} ${settingOf(facts, name)}`);
    const different = new Set(known.map(({ facts }) => settingOf(facts, name)));
    return different.size > 1 ? [`${name} differs: ${values.join(", ")}`] : [];
  });
}

/** Stores in process beside servers: their figures invite a comparison that says nothing. */
function inProcess(targets: TargetResult[]): string[] {
  const isLocal = ({ backend }: TargetResult) => backendOf(backend).kind === "in-process";
  const local = targets.filter(isLocal).map(({ label }) => label);
  if (local.length === 0 || local.length === targets.length) return [];
  return [`${local.join(", ")}: in this process, without network and protocol: another thing`];
}

function aboutTarget({ label, backend, facts }: TargetResult): string[] {
  const warnings: string[] = [];
  if (facts.serverName !== null && facts.serverName !== backend) {
    warnings.push(`${label}: the server calls itself ${facts.serverName}`);
  }
  if (facts.keysBefore !== null && facts.keysBefore > 0) {
    warnings.push(`${label}: ${facts.keysBefore} keys were there before the run`);
  }
  return warnings;
}

function aboutMachine({ loadAverage, cores }: Environment): string[] {
  if (loadAverage <= cores) return [];
  return [`the machine was busy before the run (load ${loadAverage.toFixed(1)})`];
}

function tooShort(targets: TargetResult[]): string[] {
  const short = targets.flatMap(({ label, phases }) =>
    phases
      .filter((phase) => phase.isMeasured && phase.kind !== "connect")
      .flatMap((phase) => {
        const shortest = Math.min(...phase.runs.map((run) => run.elapsedNs));
        return shortest < STEADY_NS_MIN
          ? [`${label} ${phase.label} ${formatDurationNs(shortest)}`]
          : [];
      }),
  );
  if (short.length === 0) return [];
  return [`too short to be steady, raise --num-ops: ${short.join(", ")}`];
}

function settingOf(facts: TargetFacts, name: string): string {
  const value = facts.settings[name];
  return value === undefined ? "unknown" : value === "" ? "off" : value;
}
