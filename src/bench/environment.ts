/**
 * Where a result was measured: the machine, the kernel, the runtime. Plain data for the result
 * file.
 */
import { availableParallelism, cpus, loadavg, release, totalmem, type } from "node:os";

export interface Environment {
  system: string;
  kernel: string;
  architecture: string;
  processor: string;
  /** Processors that this process may use. */
  cores: number;
  memoryBytes: number;
  /** One-minute load average before the run: above the cores, figures are noise. */
  loadAverage: number;
  bunVersion: string;
  /** The released executable, not the sources. */
  isCompiled: boolean;
}

export function readEnvironment(isCompiled: boolean): Environment {
  return {
    system: type(),
    kernel: release(),
    architecture: process.arch,
    processor: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    loadAverage: loadavg()[0] ?? 0,
    bunVersion: Bun.version,
    isCompiled,
  };
}
