/**
 * The version that clients are told.
 *
 * Clients and tools read it to know which commands and replies to expect. It is the Redis release
 * whose replies ours are checked against, and stays until a newer one is matched. Our own version
 * is base/version.ts.
 */
export const REDIS_VERSION = "7.2.4";
