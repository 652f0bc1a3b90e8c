/**
 * The versions that the server reports.
 *
 * REDIS_VERSION is what clients and tools read to know which commands and replies to expect; it is the Redis release
 * whose replies ours are checked against, and stays until a newer one is matched.
 */
import { version } from "../../package.json";

export const REDIS_VERSION = "7.2.4";

/** Our own. */
export const KV_VERSION: string = version;
