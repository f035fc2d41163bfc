/** The one type of what happens, for dashboard and lab alike. */
export type { MessageSummary, StreamEvent } from '../../src/api/index.ts';
