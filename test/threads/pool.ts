/**
 * Real Workers for the store's thread tests: started once, each runs one job after the other.
 *
 * A job is a function of jobs.ts by its name; it gets a store of its own on the shared memory and a
 * few shared words to meet the others, runs a bounded number of operations and returns plain data.
 * A job that throws fails the test.
 */
import type { StoreHandle } from "../../src/store/memory.ts";
import type { JobName } from "./jobs.ts";

/** What a Worker is asked to do. */
export interface JobRequest {
  readonly handle: StoreHandle;
  /** Index of the Worker in the store. */
  readonly worker: number;
  /** Shared by the jobs of one test: words that mean what the jobs agree on. */
  readonly words: SharedArrayBuffer;
  readonly job: JobName;
  readonly parameters: Readonly<Record<string, number>>;
}

export interface JobAnswer {
  readonly result?: Readonly<Record<string, number>>;
  readonly error?: string;
}

export type JobResult = Readonly<Record<string, number>>;

const workers: Worker[] = [];

function workerAt(index: number): Worker {
  while (workers.length <= index) {
    workers.push(new Worker(new URL("./worker.ts", import.meta.url).href));
  }
  return workers[index] as Worker;
}

/** Runs one job on each Worker at the same time; their results in the order of the requests. */
export function runJobs(requests: readonly JobRequest[]): Promise<JobResult[]> {
  return Promise.all(
    requests.map((request, i) => {
      const worker = workerAt(i);
      return new Promise<JobResult>((resolve, reject) => {
        worker.onmessage = ({ data }: MessageEvent<JobAnswer>) => {
          if (data.result !== undefined) resolve(data.result);
          else reject(new Error(`Worker ${i}, ${request.job}: ${data.error}`));
        };
        worker.onerror = (event) => reject(new Error(`Worker ${i}: ${event.message}`));
        worker.postMessage(request);
      });
    }),
  );
}

/** Lets the Workers end. Only when no job runs. */
export function endWorkers(): void {
  for (const worker of workers) worker.postMessage(null);
  workers.length = 0;
}
