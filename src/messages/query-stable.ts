/** QUERY-STABLE: a replica that lost its log asks what it may have voted on before. `[TOCS §4.3.2]` */
import { message } from './message-schema.ts';
import { digest, sender, sequence } from './schema/scalars.ts';
import type { ValueOf } from './schema/schema.ts';

/**
 * `nonce`: fresh for this recovery, so that no answer to an earlier one counts. `recovered`: where the asking replica has executed its RECOVER; 0
 * before that.
 */
export const queryStable = message({
  type: 'query-stable',
  tag: 18,
  content: { replica: sender, nonce: digest, recovered: sequence },
});

/** QUERY-STABLE. */
export type QueryStable = ValueOf<typeof queryStable>;
