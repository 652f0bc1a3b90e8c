/**
 * The subcommands of `kv bench`: names and help. What they do is in the table of src/bench.ts,
 * which has one entry for each of them.
 */

/** When adding one: its loader in src/bench.ts, where the types ask for it. */
export const BENCH_SUBCOMMANDS = {
  report: "x.json -o x.html          a result as a page, a table or figures for other tools",
  compare: "old.json new.json        what changed between two results",
  ab: "--a '…' --b '…'               whether b is faster than a, in alternating slices",
  calibrate: "                       what the client alone can do",
  codec: "                           formats: bytes, and the time to encode, decode and read",
  engine: "                          the store itself, in this process",
} as const;

export type BenchSubcommand = keyof typeof BENCH_SUBCOMMANDS;

/** For the end of `kv bench --help`. */
export function subcommandsHelp(): string {
  const lines = Object.entries(BENCH_SUBCOMMANDS).map(
    ([name, text]) => `  kv bench ${name} ${text}`,
  );
  return ["", "Other things that it does (each with --help):", ...lines, ""].join("\n");
}
