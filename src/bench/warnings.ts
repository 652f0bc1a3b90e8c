/**
 * What makes figures doubtful: sides that are not set up alike, keys that were there before, a busy
 * machine, a client at its limit, phases too short to be steady.
 */
import { formatDurationNs } from "../base/units.ts";
import { backendOf } from "./backends.ts";
import type { Environment } from "./environment.ts";
import type { MachineActivity } from "./machine-activity.ts";
import type { PhaseResult, TargetResult } from "./result.ts";
import type { TargetFacts } from "./target-facts.ts";

/** A shorter phase mostly shows how a server that compiles as it runs warms up. */
const STEADY_NS_MIN = 1_000_000_000;
/** Settings that decide what a write costs. */
const SETTINGS = ["save", "appendonly"];
/** More misses than this measure how fast nothing is found. */
const MISSES_SHARE_MAX = 0.01;
/** Somebody else was waiting for a processor before anything of ours ran. */
const WAITING_SHARE_MAX = 0.1;
/** Differences of a few percent, which comparisons are about, drown in more than this. */
const STOLEN_SHARE_MAX = 0.01;

/** One line each, worded to stand behind "warning: "; `lengthFlag` makes phases longer. */
export function findWarnings(
  targets: TargetResult[],
  environment: Environment,
  activity: MachineActivity,
  lengthFlag = "--num-ops",
): string[] {
  return [
    ...differingSettings(targets),
    ...inProcess(targets),
    ...differingClients(targets),
    ...targets.flatMap(aboutTarget),
    ...aboutMachine(environment, activity),
    ...aboutProgram(environment),
    ...tooShort(targets, lengthFlag),
    ...measuredPhases(targets).flatMap(({ label, phase }) => aboutPhase(label, phase)),
    ...measuredPhases(targets.filter(isServed)).flatMap(aboutClient),
  ];
}

function differingSettings(targets: TargetResult[]): string[] {
  return SETTINGS.flatMap((name) => {
    const known = targets.filter(
      ({ backend, facts }) =>
        backendOf(backend).kind === "resp" && Object.keys(facts.settings).length > 0,
    );
    const values = known.map(({ label, facts }) => `${label} ${settingOf(facts, name)}`);
    const different = new Set(known.map(({ facts }) => settingOf(facts, name)));
    return different.size > 1 ? [`${name} differs: ${values.join(", ")}`] : [];
  });
}

/** Stores in process beside servers: their figures invite a comparison that says nothing. */
function inProcess(targets: TargetResult[]): string[] {
  const local = targets.filter((target) => !isServed(target)).map(({ label }) => label);
  if (local.length === 0 || local.length === targets.length) return [];
  return [`${local.join(", ")}: in this process, without network and protocol: another thing`];
}

/** A library costs more than most servers: rates of different clients compare the clients. */
function differingClients(targets: TargetResult[]): string[] {
  const clients = new Set(targets.map(({ client }) => client));
  if (clients.size < 2) return [];
  return [`clients differ, and so what is compared: ${[...clients].join(", ")}`];
}

function aboutTarget({ label, backend, facts }: TargetResult): string[] {
  const warnings: string[] = [];
  const isServer = backendOf(backend).kind !== "in-process";
  if (isServer && facts.serverName !== null && facts.serverName !== backend) {
    warnings.push(`${label}: the server calls itself ${facts.serverName}`);
  }
  if (facts.keysBefore !== null && facts.keysBefore > 0) {
    warnings.push(`${label}: ${facts.keysBefore} keys were there before the run`);
  }
  return warnings;
}

function aboutMachine(
  { loadAverage, cores }: Environment,
  { waitingShareBefore, stolenShare }: MachineActivity,
): string[] {
  const warnings: string[] = [];
  if (loadAverage > cores) {
    warnings.push(`the machine was busy before the run (load ${loadAverage.toFixed(1)})`);
  }
  if (waitingShareBefore !== null && waitingShareBefore > WAITING_SHARE_MAX) {
    const percent = Math.round(waitingShareBefore * 100);
    warnings.push(`others waited for a processor ${percent} % of the time before the run`);
  }
  if (stolenShare !== null && stolenShare > STOLEN_SHARE_MAX) {
    const percent = (stolenShare * 100).toFixed(1);
    warnings.push(`the host gave ${percent} % of the processors' time to somebody else`);
  }
  return warnings;
}

function aboutProgram({ isCompiled, nativeAddons }: Environment): string[] {
  const warnings: string[] = [];
  if (!isCompiled) warnings.push("run from source, which is slower than the executable");
  if (nativeAddons !== null && nativeAddons.length > 0) {
    const names = nativeAddons.join(", ");
    warnings.push(`native add-ons are loaded, formats cost less than elsewhere: ${names}`);
  }
  return warnings;
}

function measuredPhases(targets: TargetResult[]): { label: string; phase: PhaseResult }[] {
  return targets.flatMap((target) =>
    target.phases
      .filter((phase) => phase.isMeasured)
      .map((phase) => ({ label: `${target.label} ${phase.label}`, phase })),
  );
}

function tooShort(targets: TargetResult[], lengthFlag: string): string[] {
  const short = measuredPhases(targets)
    .filter(({ phase }) => phase.kind !== "connect")
    .flatMap(({ label, phase }) => {
      const shortest = Math.min(...phase.runs.map((run) => run.elapsedNs));
      return shortest < STEADY_NS_MIN ? [`${label} ${formatDurationNs(shortest)}`] : [];
    });
  if (short.length === 0) return [];
  return [`too short to be steady, raise ${lengthFlag}: ${short.join(", ")}`];
}

/** In process there is no other side. */
function isServed({ backend }: TargetResult): boolean {
  return backendOf(backend).kind !== "in-process";
}

function aboutClient({ label, phase }: { label: string; phase: PhaseResult }): string[] {
  if (phase.summary.bottleneck !== "client") return [];
  return [`${label}: the client is the bottleneck, the server could do more`];
}

function aboutPhase(label: string, { runs, rateTarget }: PhaseResult): string[] {
  const warnings: string[] = [];
  const unsteady = runs.find((run) => run.steadiness.verdict === "unsteady");
  if (unsteady !== undefined) warnings.push(`${label}: not steady, ${unsteady.steadiness.reason}`);
  if (runs.some((run) => run.open?.isSustained === false)) {
    const wanted = Math.round(rateTarget ?? runs[0]?.open?.rateTarget ?? 0);
    warnings.push(`${label}: ${wanted.toLocaleString("en-US")}/s is not sustained`);
  }
  const hits = runs.reduce((sum, run) => sum + (run.reads?.hits ?? 0), 0);
  const misses = runs.reduce((sum, run) => sum + (run.reads?.misses ?? 0), 0);
  if (misses > MISSES_SHARE_MAX * (hits + misses)) {
    const percent = ((misses / (hits + misses)) * 100).toFixed(1);
    warnings.push(`${label}: ${percent} % of the reads found nothing`);
  }
  return warnings;
}

function settingOf(facts: TargetFacts, name: string): string {
  const value = facts.settings[name];
  return value === undefined ? "unknown" : value === "" ? "off" : value;
}
