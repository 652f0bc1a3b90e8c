/**
 * The ratchet: exceptions to the tidy rules, each with its reason, that can only get smaller.
 *
 *   { "function lines": { "src/x.ts parse": { "limit": 84, "reason": "…" } } }
 *
 * A violation within its limit passes. A limit that is larger than what is there, or for nothing
 * that is there, fails as well: whoever improves the code lowers it in the same commit.
 */
import type { Violation } from "./rules.ts";

export interface Exception {
  readonly limit: number;
  readonly reason: string;
}

/** Rule → subject → exception. */
export type Limits = Readonly<Record<string, Readonly<Record<string, Exception>>>>;

/** What is wrong, one line each; empty when all is well. */
export function judge(violations: readonly Violation[], limits: Limits): string[] {
  const problems: string[] = [];
  const open = new Map<string, Exception>();
  for (const [rule, exceptions] of Object.entries(limits)) {
    for (const [subject, exception] of Object.entries(exceptions)) {
      open.set(`${rule}: ${subject}`, exception);
      if (exception.reason.trim() === "")
        problems.push(`${rule}: ${subject}: limit without a reason`);
    }
  }
  const worst = new Map<string, Violation>();
  for (const violation of violations) {
    const key = `${violation.rule}: ${violation.subject}`;
    if (violation.value > (worst.get(key)?.value ?? 0)) worst.set(key, violation);
  }
  for (const [key, { value, message }] of worst) {
    const limit = open.get(key)?.limit ?? 0;
    open.delete(key);
    if (value > limit) problems.push(`${key}: ${message}${limit > 0 ? ` (limit ${limit})` : ""}`);
    else if (value < limit) problems.push(`${key}: lower its limit from ${limit} to ${value}`);
  }
  for (const key of open.keys()) problems.push(`${key}: its limit is no longer needed, remove it`);
  return problems.sort();
}
