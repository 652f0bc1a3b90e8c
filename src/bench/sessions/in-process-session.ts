/**
 * A store in this process as a target: no server, no connections, no wire.
 *
 * What its keys take of resident memory is measured around the first phase that writes (after a
 * collection each time) and reported beside the settings of servers. A process does not give memory
 * back: only where each key was written once, and nothing ran here before, it is that of the keys.
 */

import type { LocalStoreName } from "../drivers/in-process.ts";
import { versionOf } from "../drivers/in-process.ts";
import { InProcessLoad } from "../load/in-process-load.ts";
import type { ServerClock } from "../measure.ts";
import type { PhasePlan } from "../plan.ts";
import type { PhaseRun } from "../result.ts";
import type { Session, SessionContext } from "../session.ts";
import type { TargetFacts } from "../target-facts.ts";
import { runLoad } from "./run-load.ts";

/** Below this, what a few pages more or less are would be most of the figure. */
const KEYS_COUNT_MIN = 10_000;
/** Client and store are one process: all of its time is the client's. */
const NO_SERVER: ServerClock = { readNs: () => null, source: "none", threads: null };

export async function openInProcessSession(context: SessionContext): Promise<Session> {
  return new InProcessSession(context);
}

class InProcessSession implements Session {
  readonly endpoint = "in this process";
  readonly isStartedHere = true;
  readonly facts: TargetFacts;
  readonly #context: SessionContext;
  readonly #load: InProcessLoad;

  constructor(context: SessionContext) {
    const { plan, target } = context;
    const { concurrency, values, chat, seed, isVerifying, isTimingLatency, timeoutMs } = plan;
    const name = target.backend as LocalStoreName;
    this.#context = context;
    this.#load = new InProcessLoad(
      {
        ...{ concurrency, values, chat, seed, isVerifying, isTimingLatency, timeoutMs },
        workersCount: 1,
        worker: 0,
      },
      name,
    );
    this.facts = {
      serverName: name,
      version: versionOf(name),
      mode: "no network, no protocol",
      processId: process.pid,
      uptimeSeconds: null,
      threads: 1,
      keysBefore: 0,
      settings: {},
    };
  }

  async run(phase: PhasePlan): Promise<PhaseRun> {
    if (phase.kind !== "requests") throw new RangeError(`not for ${phase.kind} phases`);
    const { progress, label } = this.#context;
    const load = this.#load;
    const isFirst = load.keysCount === 0;
    const beforeBytes = isFirst ? residentBytes() : 0;
    const run = await runLoad(phase, {
      load,
      server: NO_SERVER,
      clientThreads: 1,
      label,
      progress,
    });
    const { keysCount } = load;
    const isFresh = isFirst && this.#context.plan.targets.length === 1 && phase.warmupMs === 0;
    if (isFresh && keysCount >= KEYS_COUNT_MIN && keysCount === run.operations) {
      const perKey = Math.round((residentBytes() - beforeBytes) / keysCount);
      this.facts.settings["resident memory per key"] = `${perKey} B`;
    }
    return run;
  }

  async close(): Promise<void> {
    await this.#load.close();
  }
}

function residentBytes(): number {
  Bun.gc(true);
  return process.memoryUsage.rss();
}
