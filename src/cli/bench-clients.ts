/**
 * What client libraries and stores in process cannot do, refused before anything runs.
 */
import { UsageError } from "../base/errors.ts";
import type { Mode, TargetOption } from "../bench/options.ts";
import type { ValuePlan } from "../bench/plan.ts";
import { findFormat } from "../formats/formats.ts";

/** Throws UsageError. */
export function checkClients(
  targets: readonly TargetOption[],
  mode: Mode,
  values: ValuePlan,
): void {
  if (targets.some(({ client }) => client === "bun")) checkText(values);
  const local = targets.find(({ backend }) => backend === "inmemory" || backend === "map");
  if (local !== undefined && mode.kind === "command") {
    throw new UsageError(`--command: ${local.backend} has calls and no commands`);
  }
}

/** Bun's client gives elements of lists as UTF-8 text, whatever they are. */
function checkText({ format, zstdLevel }: ValuePlan): void {
  const binary =
    zstdLevel !== null
      ? "--compress-zstd"
      : findFormat(format)?.format.isText
        ? null
        : `--format ${format}`;
  if (binary === null) return;
  throw new UsageError(`--client: bun corrupts binary values of ${binary}, use raw or node-redis`);
}
