/**
 * The entry point of the embedded store's background thread inside the compiled executable, where
 * every module lies in one flat folder: there embedded-log.ts finds it under its own name, beside
 * itself. From source it finds store/embedded-worker.ts.
 */
import "./store/embedded-worker.ts";
