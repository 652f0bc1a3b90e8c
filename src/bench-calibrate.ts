/** `kv bench calibrate`: command line in, the client's own ceiling out. */
import { COMMIT, VERSION } from "./base/version.ts";
import { calibrate } from "./bench/calibrate.ts";
import { readEnvironment } from "./bench/environment.ts";
import { type CalibrationResult, formatCalibration } from "./bench/report/calibration.ts";
import { terminalOf } from "./bench/report/terminal.ts";
import { parseCalibrateOptions } from "./cli/bench-calibrate-options.ts";
import { isCompiled, selfCommand } from "./self-command.ts";

/** Resolves with the exit code; `argv` follows "calibrate". Throws UsageError and FatalError. */
export async function benchCalibrate(argv: string[]): Promise<number> {
  const options = parseCalibrateOptions(argv);
  if (options === null) return 0;
  const { concurrency, valueSize, isJson } = options;
  const startedAt = new Date().toISOString();
  const environment = readEnvironment(isCompiled());
  const rows = await calibrate(options, selfCommand());
  const result: CalibrationResult = {
    kind: "calibration",
    schemaVersion: 1,
    tool: { name: "kv bench", version: VERSION, commit: COMMIT },
    startedAt,
    environment,
    concurrency,
    valueSize,
    rows,
  };
  const text = isJson
    ? `${JSON.stringify(result, null, 2)}\n`
    : formatCalibration(result, terminalOf(process.stdout, process.env));
  await Bun.write(Bun.stdout, text);
  return 0;
}
