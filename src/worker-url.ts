/**
 * Where the Workers and the program itself are, from source and inside the compiled executable.
 *
 * In the executable every module lives in one flat virtual folder, and a path relative to the
 * working directory is looked up on the disk first: `new Worker("./src/x.ts")` runs whatever file
 * of that name lies where kv was started. So a Worker is always addressed by a URL relative to a
 * module directly in src/, which is the same place in both worlds: this one. The entry point itself
 * must be named in build.ts (all of src/*-worker.ts are).
 *
 * Not for tests: they run from source only and address their Workers beside themselves.
 */

/** The URL of the Worker entry point `src/<name>.ts`, for `new Worker`. */
export function workerUrl(name: `${string}-worker`): string {
  return new URL(`./${name}.ts`, import.meta.url).href;
}
