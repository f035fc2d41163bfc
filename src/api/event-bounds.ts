/** Bounds of events, apart from their schemas: whoever only makes events needs no schema library. */

/** Digests and requests that one event lists at most; `request_count` says how many there are. */
export const MAX_EVENT_REQUESTS = 64;
