/**
 * Fail points: places where a test lets the process die, as by kill -9, to see that what it leaves
 * behind is enough.
 *
 * KV_FAIL_POINT=name or name:n kills the process when it comes to that place for the n-th time.
 * Only code that runs once in many milliseconds has them; a place that is not asked for costs one
 * comparison.
 */

const [wanted = "", nth = "1"] = (process.env.KV_FAIL_POINT ?? "").split(":");
let left = Number(nth);

/** Dies here when KV_FAIL_POINT asks for it. */
export function failPoint(name: string): void {
  if (wanted === "" || wanted !== name) return;
  left--;
  if (left <= 0) process.kill(process.pid, "SIGKILL");
}
