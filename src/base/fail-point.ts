/**
 * Fail points: places where a test lets the process die, as by kill -9, to see that what it leaves
 * behind is enough, or stand still, to see what is on the disk at that moment.
 *
 * KV_FAIL_POINT=name or name:n kills the process when it comes to that place for the n-th time.
 * KV_STOP_POINT=name or name:n stops it there (SIGSTOP) the n-th time and every time after, with a
 * line on standard error; whoever asked for that sends SIGCONT. Only code that runs once in many
 * milliseconds has such places; one that is not asked for costs two comparisons.
 */

import { writeSync } from "node:fs";

const STDERR = 2;
const [killed = "", killedNth = "1"] = (process.env.KV_FAIL_POINT ?? "").split(":");
const [stopped = "", stoppedNth = "1"] = (process.env.KV_STOP_POINT ?? "").split(":");
/** All threads stand still within this. */
const STOP_MS = 100;
let untilKill = Number(killedNth);
let untilStop = Number(stoppedNth);

/** Dies here when KV_FAIL_POINT asks for it, stops when KV_STOP_POINT does. */
export function failPoint(name: string): void {
  if (killed !== "" && killed === name && --untilKill <= 0) process.kill(process.pid, "SIGKILL");
  if (stopped === "" || stopped !== name || --untilStop > 0) return;
  writeSync(STDERR, `stops at ${name}\n`);
  process.kill(process.pid, "SIGSTOP");
  // Another thread may take the signal first: this one must not go on meanwhile.
  Bun.sleepSync(STOP_MS);
}
