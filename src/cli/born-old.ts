/**
 * V8 gives objects a place among the old ones from their birth, once most that the same code made before lived long. Those of requests do so while requests
 * wait, and not after: what dies within milliseconds is then found by full collections only, once a second, and everything it refers to lives as long
 * (docs/adr/0027).
 */
export const NOTHING_BORN_OLD = '--no-allocation-site-pretenuring';
