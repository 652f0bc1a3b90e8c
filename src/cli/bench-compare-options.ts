/** The command line of `kv bench compare` → its options. Throws UsageError. */
import { type Condition, parseConditions } from "../bench/conditions.ts";
import { COMPARISON_EXPORTERS } from "../bench/report/compare-report.ts";
import { collect, newCommand, parseWith } from "./commander.ts";
import { checkedEnding, parsedBy } from "./flag-values.ts";

export interface CompareOptions {
  oldPath: string;
  newPath: string;
  conditions: Condition[];
  outPaths: string[];
  isJson: boolean;
}

const GRAMMAR = `
Conditions of --fail-if, separated by commas; one that holds in any phase of any target is enough:
  metric<bound or metric>bound
  metric   throughput, average, p50, p90, p99, p999, errors, reach
  bound    -5%, +10%              the change from the old result to the new one
           100k, 2ms, 0, 0.999    the new figure itself: rate, duration, count, share
A phase of the old result that the new one lacks fails too, and so does a condition for which there
are no figures.

Changes are of the medians of the runs. The interval is Welch's on the logarithms of the runs; it
needs two runs or more in both results (--runs). Two results were measured one after the other, so
that the machine may have changed as well: kv bench ab measures both at the same time.

Examples:
  kv bench compare old.json new.json
  kv bench compare old.json new.json --fail-if 'throughput<-5%,p99>+10%,errors>0' --out change.md
`;

/** Null when the command line asked for help, which has been printed. */
export function parseCompareOptions(argv: string[]): CompareOptions | null {
  const command = newCommand("kv bench compare", "Show what changed between two results")
    .argument("<old.json>", "a result of kv bench --out")
    .argument("<new.json>", "another one")
    .option("--fail-if <conditions>", "exit with 1 when one of them holds")
    .option("-o, --out <file>", "write it to .json, .md or .html; may be repeated", collect)
    .option("--json", "print it as JSON")
    .addHelpText("after", GRAMMAR);
  if (!parseWith(command, argv)) return null;
  const [oldPath = "", newPath = ""] = command.args;
  const flags = command.opts<{ failIf?: string; out?: string[]; json?: true }>();
  const { failIf, out: outPaths = [] } = flags;
  for (const path of outPaths) checkedEnding("--out", path, Object.keys(COMPARISON_EXPORTERS));
  return {
    oldPath,
    newPath,
    conditions: failIf === undefined ? [] : parsedBy("--fail-if", () => parseConditions(failIf)),
    outPaths,
    isJson: flags.json === true,
  };
}
