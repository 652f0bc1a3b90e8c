/**
 * The tortures of durability in small: the same scripts that `make torture` runs at full size, each
 * for a second or a few. The first ones are in durability.test.ts.
 */
import { expect, test } from "bun:test";
import { join } from "node:path";
import {
  Client,
  eventually,
  hasPeer,
  kvCommand,
  readyPort,
  Server,
  temporaryFolder,
} from "./harness.ts";
import { outgrowMemory } from "./torture/beyond-memory.ts";
import { tortureCommands } from "./torture/commands.ts";
import { damageFiles } from "./torture/damage.ts";
import { outliveKills } from "./torture/expiry.ts";
import { FAILING_CALLS, sweepFailures } from "./torture/failing-calls.ts";
import { tearRecords } from "./torture/hole.ts";
import { contendForLock } from "./torture/lock.ts";
import { canLimitMemory } from "./torture/memory-limit.ts";
import { killIfThere } from "./torture/options.ts";
import { losePower } from "./torture/power.ts";
import { stopServers } from "./torture/stop.ts";
import { readCalls, straceCommand } from "./torture/trace.ts";

const PATIENCE_MS = 120_000;
const MIB = 1024 * 1024;
const hasStrace = hasPeer("strace");
const hasCgroup = await canLimitMemory();

test.skipIf(!hasStrace)(
  "B1: power loss takes nothing that always has acknowledged",
  async () => {
    const sizes = { images: 4, imagesPerRun: 2, threads: 2, seed: 1 };
    const totals = await losePower({ ...sizes, mode: "always" });
    expect(totals.images).toBe(4);
    expect(totals.imagesWithLoss).toBe(0);
    expect(totals.unflushedPages).toBeGreaterThan(0);
  },
  PATIENCE_MS,
);

test.skipIf(!hasStrace)(
  "B1: power loss takes at most a second of what everysec has acknowledged",
  async () => {
    const sizes = { images: 4, imagesPerRun: 2, threads: 2, seed: 2 };
    const totals = await losePower({ ...sizes, mode: "everysec" });
    expect(totals.images).toBe(4);
    expect(totals.unflushedPages).toBeGreaterThan(0);
    // Something is lost, or the images would show nothing.
    expect(totals.imagesWithLoss).toBeGreaterThan(0);
    expect(totals.lostMsMax).toBeLessThanOrEqual(1000);
  },
  PATIENCE_MS,
);

test.skipIf(!hasStrace)(
  "the name of a checkpoint is durable before the manifest has it",
  async () => {
    using folder = temporaryFolder();
    const [dir, prefix] = [join(folder.path, "data"), join(folder.path, "trace")];
    const args = ["serve", "--port", "0", "--dir", dir, "--threads", "1"];
    await using server = new Server([...straceCommand(prefix), ...kvCommand(), ...args]);
    await eventually(() => readyPort(server.stdout) !== 0, "the server is ready");
    await using client = await Client.connect({ port: readyPort(server.stdout) });
    await client.text("SET a 1");
    expect(await client.text("SAVE")).toBe("OK");
    killIfThere(Number(/pid: (\d+)/.exec(server.stdout)?.[1]));
    await server.finished();
    let pending: string[] = [];
    let manifests = 0;
    for (const { kind, to } of readCalls(prefix, dir)) {
      if (kind === "sync-directory") pending = [];
      if (kind !== "rename") continue;
      expect(to === "manifest" ? pending : []).toEqual([]);
      if (to === "manifest") manifests++;
      pending.push(to);
    }
    expect(manifests).toBeGreaterThan(2);
  },
  PATIENCE_MS,
);

test(
  "A4: whatever is left of a torn record, nothing else is lost",
  () => {
    expect(tearRecords(1, 8).trials).toBe(8);
  },
  PATIENCE_MS,
);

test(
  "A5: SIGTERM under load loses nothing",
  async () => {
    const totals = await stopServers({ cycles: 3, threads: 2, seed: 1 });
    expect(totals.acknowledged).toBeGreaterThan(100);
  },
  PATIENCE_MS,
);

test(
  "C2: no cut, zeroed, swapped or older page gives a wrong value",
  () => {
    const totals = damageFiles({ seed: 1, cuts: 2, pages: 4, boundaryStep: 100 });
    expect(totals.trials).toBe(totals.refused + totals.mended + totals.harmless);
    expect(totals.live).toBeGreaterThan(20);
    for (const count of Object.values(totals.byKind)) expect(count).toBeGreaterThan(0);
  },
  PATIENCE_MS,
);

test(
  "C4: one directory is one server's, whoever was killed in it",
  async () => {
    expect(await contendForLock(4, 3)).toEqual({ refused: 4, races: 3 });
  },
  PATIENCE_MS,
);

test.skipIf(!hasStrace)(
  "D6: a call to the disk that fails costs nothing that was acknowledged",
  async () => {
    const only = (k: number) => ({ first: k, step: 1, last: k });
    const totals = await sweepFailures({ calls: FAILING_CALLS, ...only(3), names: "" });
    expect(totals.runs).toBe(FAILING_CALLS.length);
    for (const call of FAILING_CALLS) expect(totals.reached[call]).toBe(3);
    // A mark that cannot be written while the server serves ends it.
    const marks = await sweepFailures({ calls: ["pwrite64"], ...only(10), names: "mark" });
    expect(marks).toMatchObject({ runs: 1, ended: 1, reached: { pwrite64: 10 } });
    expect(marks.acknowledged).toBeGreaterThan(0);
  },
  PATIENCE_MS,
);

test(
  "F12: what expires around kills and checkpoints is never seen after its time",
  async () => {
    const totals = await outliveKills(1, 5000);
    expect(totals.gone).toBeGreaterThan(1000);
    expect(totals.there).toBeGreaterThan(1000);
  },
  PATIENCE_MS,
);

test.skipIf(!hasPeer("valkey-server"))(
  "A6: after kill -9 there is what a real server would hold, whatever the commands were",
  async () => {
    const totals = await tortureCommands(1, 6);
    expect(totals.cycles).toBe(6);
    expect(totals.acknowledged).toBeGreaterThan(300);
    expect(totals.keysCompared).toBeGreaterThan(100);
  },
  PATIENCE_MS,
);

test.skipIf(!hasCgroup)(
  "M1: data beyond a cgroup's memory is written, read, killed and recovered",
  async () => {
    const sizes = { limitBytes: 256 * MIB, dataBytes: 320 * MIB, valueSize: 8192 };
    const totals = await outgrowMemory({ ...sizes, seed: 1, isEnforced: true });
    expect(totals?.heapFileMib).toBeGreaterThan(256);
    expect(totals?.memoryMibMax).toBeLessThanOrEqual(256);
    expect(totals?.read).toBeGreaterThan(20_000);
    expect(totals?.deleted).toBeGreaterThan(1000);
  },
  PATIENCE_MS,
);

test(
  "M1: data of four times what the map may take, without a cgroup",
  async () => {
    const sizes = { limitBytes: 256 * MIB, dataBytes: 256 * MIB, valueSize: 4096 };
    const totals = await outgrowMemory({ ...sizes, seed: 2, isEnforced: false });
    expect(totals?.heapFileMib).toBeGreaterThan(192);
    expect(totals?.read).toBeGreaterThan(30_000);
  },
  PATIENCE_MS,
);
