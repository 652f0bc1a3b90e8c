/**
 * A Worker of the thread tests: runs the jobs that pool.ts sends, until it is told to end.
 */
import { attachStore } from "../../src/store/store.ts";
import { JOBS } from "./jobs.ts";
import type { JobAnswer, JobRequest } from "./pool.ts";

declare const self: Worker;

self.onmessage = ({ data }: MessageEvent<JobRequest | null>) => {
  if (data === null) process.exit(0);
  const { handle, worker, words, job, parameters } = data;
  let answer: JobAnswer;
  try {
    const store = attachStore(handle, worker);
    answer = { result: JOBS[job](store, new Int32Array(words), parameters) };
  } catch (error) {
    answer = { error: (error as Error).stack ?? String(error) };
  }
  self.postMessage(answer);
};
