/** What a change to the store came to. Numbers, because hot code returns them. */

export type Status = number;

export const STATUS_OK: Status = 0;
/** The reservation or the index is used up; nothing was changed. */
export const STATUS_OUT_OF_MEMORY: Status = 1;
/** The value would be longer than STRING_SIZE_MAX; nothing was changed. */
export const STATUS_TOO_LARGE: Status = 2;
/** The key is longer than KEY_SIZE_MAX; nothing was changed. */
export const STATUS_KEY_TOO_LONG: Status = 3;
/** There is no room on the disk for the log; nothing was changed. */
export const STATUS_LOG_FULL: Status = 4;

/** As an expiry: leave the key's own as it is. */
export const KEEP_EXPIRY = -1;
