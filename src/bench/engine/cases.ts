/**
 * What the engine's own suite measures: the store in this process, without a network, one case
 * after the other. Pure data.
 *
 * The groups are those of the performance tests that rskv published: value sizes, hit rates, mixes,
 * threads, many tasks, batches and scans. A case gives each Worker the same work on the same keys.
 * Limits: DATA_SIZE_MAX bytes of values, so that large ones do not need more memory than small
 * ones.
 */

export type SuiteName = "quick" | "threads" | "concurrency" | "full";

export type EngineGroup =
  | "value sizes"
  | "hit rates"
  | "mixes"
  | "threads"
  | "tasks"
  | "batches"
  | "scans";

export interface EngineCase {
  group: EngineGroup;
  /** "WRITE 1 KB", "MIX 95 % reads, 4 Workers". Unique in a suite. */
  label: string;
  name: "write" | "read" | "mix" | "scan";
  workersCount: number;
  /** Tasks of each Worker that take turns after every batch; 1 is a plain loop. */
  tasksCount: number;
  keysCount: number;
  valueSize: number;
  /** Share of operations that read, 0 to 1. */
  readShare: number;
  /** Share of reads whose key is there, 0 to 1. */
  hitShare: number;
  /** Operations in one batch of the store; 1: each by itself. */
  batchSize: number;
  /** Keys per scan: those with one prefix, or all (prefixesCount 1). */
  prefixesCount: number;
}

const KEYS_COUNT_MAX = 100_000;
const DATA_SIZE_MAX = 128 * 1024 * 1024;
const VALUE_SIZE = 128;

const VALUE_SIZES: [text: string, size: number][] = [
  ["1 B", 1],
  ["100 B", 100],
  ["1 KB", 1024],
  ["10 KB", 10 * 1024],
  ["100 KB", 100 * 1024],
];
const HIT_SHARES = [1, 0.9, 0.5, 0];
const READ_SHARES = [0, 0.5, 0.9, 0.95, 0.99];
const WORKERS_COUNTS = [1, 2, 4, 8, 16, 32];
const TASKS_COUNTS = [50, 200, 1000];
const BATCH_SIZES = [1, 10, 100, 1000];
/** Keys with the same prefix: all 100,000, then 1,000, 100 and 10 of them. */
const PREFIXES_COUNTS = [1, 100, 1000, 10_000];

/** The cases of a suite, in the order in which they run. */
export function casesOf(suite: SuiteName): EngineCase[] {
  switch (suite) {
    case "quick":
      return quickCases();
    case "threads":
      return WORKERS_COUNTS.flatMap(threadCases);
    case "concurrency":
      return [...TASKS_COUNTS.map(taskCase), ...WORKERS_COUNTS.map(crowdCase)];
    case "full":
      return fullCases();
  }
}

function quickCases(): EngineCase[] {
  return [
    ...VALUE_SIZES.flatMap(([text, size]) => [writeCase(text, size), readCase(text, size)]),
    hitCase(0.5),
    mixCase(0.5),
    mixCase(0.95),
    ...[1, 2].map((count) => mixedThreads(count)),
    taskCase(200),
    batchCase(100),
    ...[1, 100].map(scanCase),
  ];
}

function fullCases(): EngineCase[] {
  return [
    ...VALUE_SIZES.map(([text, size]) => writeCase(text, size)),
    ...VALUE_SIZES.map(([text, size]) => readCase(text, size)),
    ...HIT_SHARES.map(hitCase),
    ...READ_SHARES.map(mixCase),
    ...WORKERS_COUNTS.flatMap(threadCases),
    ...TASKS_COUNTS.map(taskCase),
    ...WORKERS_COUNTS.map(crowdCase),
    ...BATCH_SIZES.map(batchCase),
    ...PREFIXES_COUNTS.map(scanCase),
  ];
}

function caseOf(changes: Partial<EngineCase> & Pick<EngineCase, "group" | "label" | "name">) {
  const valueSize = changes.valueSize ?? VALUE_SIZE;
  return {
    workersCount: 1,
    tasksCount: 1,
    keysCount: Math.min(KEYS_COUNT_MAX, Math.floor(DATA_SIZE_MAX / valueSize)),
    valueSize,
    readShare: changes.name === "write" ? 0 : 1,
    hitShare: 1,
    batchSize: 1,
    prefixesCount: 1,
    ...changes,
  };
}

function writeCase(text: string, valueSize: number): EngineCase {
  return caseOf({ group: "value sizes", label: `WRITE ${text}`, name: "write", valueSize });
}

function readCase(text: string, valueSize: number): EngineCase {
  return caseOf({ group: "value sizes", label: `READ ${text}`, name: "read", valueSize });
}

function hitCase(hitShare: number): EngineCase {
  const label = `READ ${percent(hitShare)} hits`;
  return caseOf({ group: "hit rates", label, name: "read", hitShare });
}

function mixCase(readShare: number): EngineCase {
  return caseOf({
    group: "mixes",
    label: `MIX ${percent(readShare)} reads`,
    name: "mix",
    readShare,
  });
}

function threadCases(workersCount: number): EngineCase[] {
  const workers = workersText(workersCount);
  return [
    caseOf({ group: "threads", label: `WRITE, ${workers}`, name: "write", workersCount }),
    caseOf({ group: "threads", label: `READ, ${workers}`, name: "read", workersCount }),
    mixedThreads(workersCount),
  ];
}

function mixedThreads(workersCount: number): EngineCase {
  const label = `MIX 70 % reads, ${workersText(workersCount)}`;
  return caseOf({ group: "threads", label, name: "mix", readShare: 0.7, workersCount });
}

function taskCase(tasksCount: number): EngineCase {
  const label = `MIX 50 % reads, ${tasksCount} tasks`;
  return caseOf({ group: "tasks", label, name: "mix", readShare: 0.5, tasksCount });
}

/** Many tasks on many Workers at the same time: at least 200 in all. */
function crowdCase(workersCount: number): EngineCase {
  const tasksCount = Math.ceil(200 / workersCount);
  const tasks = `${tasksCount * workersCount} tasks on ${workersText(workersCount)}`;
  const label = `MIX 50 % reads, ${tasks}`;
  return caseOf({ group: "tasks", label, name: "mix", readShare: 0.5, tasksCount, workersCount });
}

function batchCase(batchSize: number): EngineCase {
  const label = `MIX 50 % reads, batches of ${batchSize}`;
  return caseOf({ group: "batches", label, name: "mix", readShare: 0.5, batchSize });
}

function scanCase(prefixesCount: number): EngineCase {
  const found = KEYS_COUNT_MAX / prefixesCount;
  const label = prefixesCount === 1 ? `SCAN of ${found} keys` : `SCAN prefix, ${found} found`;
  return caseOf({ group: "scans", label, name: "scan", prefixesCount });
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function workersText(count: number): string {
  return count === 1 ? "1 Worker" : `${count} Workers`;
}
