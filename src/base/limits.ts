/**
 * Every named limit, with its reason. Grouped by the part that keeps it.
 *
 * A limit that a user may change is a field of Settings with its bounds in commands/config-params.ts; what is here
 * is fixed.
 */

// ---- commands ----

/** Wrong passwords on one connection before it is closed: guessing then costs a connection for every few tries. */
export const AUTH_FAILURES_MAX = 10;
