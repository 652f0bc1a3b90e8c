/**
 * What the Workers of the thread tests can do, by name. Each job ends after a bounded number of
 * operations.
 */
import type { Store } from "../../src/store/store.ts";
import { fuzzJobs } from "./fuzz-jobs.ts";
import { keyspaceJobs } from "./keyspace-jobs.ts";
import { litmusJobs } from "./litmus-jobs.ts";

export type Job = (
  store: Store,
  words: Int32Array,
  parameters: Readonly<Record<string, number>>,
) => Record<string, number>;

export type JobName = keyof typeof litmusJobs | keyof typeof keyspaceJobs | keyof typeof fuzzJobs;

export const JOBS: Readonly<Record<JobName, Job>> = {
  ...litmusJobs,
  ...keyspaceJobs,
  ...fuzzJobs,
};
