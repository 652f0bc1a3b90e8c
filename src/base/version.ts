/**
 * The version of kv, from package.json, and the commit it was built from, which build.ts puts in.
 * Not the Redis version that clients are told: that belongs to the commands.
 */
import { version } from "../../package.json" with { type: "json" };

declare const KV_COMMIT: string | undefined;

export const VERSION: string = version;
/**
 * Twelve hexadecimal digits, "" when run from source; a trailing "+" when files differed from the
 * commit.
 */
export const COMMIT: string = typeof KV_COMMIT === "string" ? KV_COMMIT : "";
