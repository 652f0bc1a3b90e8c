/** Phase → its pacer, with this process's part of the work. */
import type { Amount, RequestPhase, Schedule } from "../plan.ts";
import { type Draw, type LoadPlan, shareOf } from "../workloads/make-encoder.ts";
import { ClosedLoop } from "./closed-loop.ts";
import { OpenLoop } from "./open-loop.ts";
import type { PacedConnection, Pacer } from "./pacer.ts";

export function createPacer(
  connections: readonly PacedConnection[],
  phase: RequestPhase,
  draw: Draw,
  plan: LoadPlan,
): Pacer {
  const { worker, workersCount, seed } = plan;
  const amount = draw === "warm-up" ? { durationMs: phase.warmupMs } : ownPart(phase.amount, plan);
  if (phase.schedule === null) return new ClosedLoop(connections, phase.batchSize, amount);
  const { ratePerSecond, arrival, inflightMax } = phase.schedule;
  const schedule: Schedule = {
    arrival,
    ratePerSecond: ratePerSecond / workersCount,
    inflightMax: Math.max(1, shareOf(inflightMax, worker, workersCount)),
  };
  const offsetNs = (worker / ratePerSecond) * 1e9;
  return new OpenLoop({ connections, schedule, amount, seed: seed + worker, offsetNs });
}

function ownPart(amount: Amount, { worker, workersCount }: LoadPlan): Amount {
  if ("durationMs" in amount) return amount;
  return { operations: shareOf(amount.operations, worker, workersCount) };
}
