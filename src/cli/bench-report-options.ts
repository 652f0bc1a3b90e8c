/** The command line of `kv bench report` → its options. Throws UsageError. */
import { EXPORTERS } from "../bench/report/exporters.ts";
import { collect, newCommand, parseWith } from "./commander.ts";
import { checkedEnding } from "./flag-values.ts";

export interface ReportOptions {
  path: string;
  /** None: the summary goes to standard output. */
  outPaths: string[];
}

const EXAMPLES = `
Examples:
  kv bench report result.json                          the summary again
  kv bench report result.json -o page.html -o rows.csv
`;

/** Null when the command line asked for help, which has been printed. */
export function parseReportOptions(argv: string[]): ReportOptions | null {
  const kinds = Object.keys(EXPORTERS);
  const command = newCommand("kv bench report", "Show a result that was measured before")
    .argument("<result.json>", "written by kv bench --out or kv bench ab --out")
    .option("-o, --out <file>", `write it to ${kinds.join(", ")}; may be repeated`, collect)
    .addHelpText("after", EXAMPLES);
  if (!parseWith(command, argv)) return null;
  const outPaths = command.opts<{ out?: string[] }>().out ?? [];
  for (const path of outPaths) checkedEnding("--out", path, kinds);
  return { path: command.args[0] ?? "", outPaths };
}
