/**
 * `make torture`: the tortures of durability at full size, one after the other; about 100 minutes.
 * One line for each, with what it counted; the first failure ends it.
 *
 *     make torture                     all of them, with a fresh seed
 *     make torture T=A1,B1 SEED=7      some of them, repeated
 *
 *     A1  kill -9 under load, 500 cycles in each mode     A2  death at each fail point
 *     A3  killed again while recovering (in A1 and A2)    A4  a Worker dies while it writes
 *     A5  SIGTERM under load                              A6  every command, against a real server
 *     B1  power loss, pages mixed
 *     C1  flipped bits                                    C2  cut, zeroed, swapped, older pages
 *     C4  two servers on one directory                    D6  the K-th call to the disk fails
 *     F12 times to live across kills and checkpoints      M1  data of four times the memory
 *     S1  crashes of the simulated store
 */
import { fuzzDurableSimulation } from "../../src/store/durable-simulation.fuzz.ts";
import { fuzzRecovery } from "../../src/store/recovery.fuzz.ts";
import { hasPeer } from "../harness.ts";
import { outgrowMemory } from "./beyond-memory.ts";
import { tortureCommands } from "./commands.ts";
import { damageFiles } from "./damage.ts";
import { outliveKills } from "./expiry.ts";
import { FAILING_CALLS, sweepFailures } from "./failing-calls.ts";
import { flipBits } from "./flip.ts";
import { tearRecords } from "./hole.ts";
import { tortureByKill } from "./kill.ts";
import { contendForLock } from "./lock.ts";
import { seedOption, textOption } from "./options.ts";
import { losePower } from "./power.ts";
import { stopServers } from "./stop.ts";

const POINTS = [
  "segment-create",
  "segment-filled",
  "checkpoint-begin",
  "checkpoint-written",
  "manifest-written",
  "manifest-renamed",
  "checkpoint-published",
  "recycle",
  "flush-begin",
  "mark-written",
  "run-begun",
];

const MODES = ["everysec", "always"] as const;
const LOAD_MS_MAX = 3000;
const POINT_LOAD_MS_MAX = 500;
const MIB = 1024 * 1024;
/** Data of four times a limit that leaves 64 MiB to the map. */
const BEYOND_MEMORY = {
  limitBytes: 320 * MIB,
  dataBytes: 1280 * MIB,
  valueSize: 1024,
  isEnforced: true,
};

/** The mark is written at every flush: a few of them show what all would. */
const lastOf = (names: string) => (names === "" ? 2000 : 60);

interface Torture {
  readonly name: string;
  readonly run: (seed: number) => unknown;
}

const TORTURES: readonly Torture[] = [
  ...MODES.map((mode) => ({
    name: `A1 ${mode}`,
    run: (seed: number) =>
      tortureByKill({ cycles: 500, mode, threads: 2, seed, loadMs: LOAD_MS_MAX, points: [] }),
  })),
  {
    name: "A2",
    run: (seed) => {
      const sizes = { cycles: 25 * POINTS.length, threads: 2, loadMs: POINT_LOAD_MS_MAX };
      return tortureByKill({ ...sizes, mode: "everysec", seed, points: POINTS });
    },
  },
  { name: "A4", run: (seed) => tearRecords(seed, 1000) },
  { name: "A5", run: (seed) => stopServers({ cycles: 100, threads: 2, seed }) },
  { name: "A6", run: (seed) => hasPeer("valkey-server") && tortureCommands(seed, 300) },
  ...MODES.map((mode) => ({
    name: `B1 ${mode}`,
    run: (seed: number) =>
      hasPeer("strace") && losePower({ mode, images: 2000, imagesPerRun: 20, threads: 2, seed }),
  })),
  { name: "B1 in process", run: (seed) => fuzzRecovery(seed, 100, 1000) },
  { name: "C1", run: (seed) => flipBits({ seed, live: 10_000, marks: 1000, dead: 2000 }) },
  {
    name: "C2",
    run: (seed) => damageFiles({ seed, cuts: 1000, pages: 200, boundaryStep: 1 }),
  },
  { name: "C4", run: () => contendForLock(100, 20) },
  ...["", "mark", "manifest", "shard"].map((names) => ({
    name: `D6 ${names}`.trim(),
    run: () =>
      hasPeer("strace") &&
      sweepFailures({ calls: FAILING_CALLS, first: 1, step: 1, last: lastOf(names), names }),
  })),
  { name: "F12", run: (seed) => outliveKills(seed, 100_000) },
  { name: "M1", run: (seed) => outgrowMemory({ ...BEYOND_MEMORY, seed }) },
  { name: "S1", run: (seed) => fuzzDurableSimulation(seed, 2000) },
];

const seed = seedOption();
const wanted = textOption("only", "").split(",").filter(Boolean);
const unknown = wanted.filter((id) => !TORTURES.some(({ name }) => name.split(" ")[0] === id));
if (unknown.length > 0) throw new Error(`--only: no such torture (${unknown.join(", ")})`);
console.log(`torture: --seed=${seed}`);
for (const { name, run } of TORTURES) {
  const [id = ""] = name.split(" ");
  if (wanted.length > 0 && !wanted.includes(id)) continue;
  const startMs = performance.now();
  const totals = await run(seed);
  const seconds = Math.round((performance.now() - startMs) / 1000);
  console.log(`${name}: seed ${seed}, ${seconds} s, ${JSON.stringify(totals)}`);
}
