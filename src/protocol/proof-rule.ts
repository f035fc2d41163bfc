/** Which proof a message bears: one table for those who seal and those who open. [docs/protocol.md, "Who proves what to whom"] */
import type { MessageType, Proof } from '../messages/index.ts';
import type { AuthenticationMode } from './config.ts';

/** `none`: each item inside proves itself (requests). `tree`: one signature for many replies (receipts.ts). */
export function proofKind(type: MessageType, mode: AuthenticationMode): Proof['kind'] {
  switch (type) {
    case 'requests':
      return 'none';
    case 'checkpoint':
    case 'view-change':
    case 'new-view':
    case 'query-stable':
      return 'signature';
    case 'reply':
    case 'replies':
      return mode === 'mac' ? 'mac' : 'tree';
    case 'pre-prepare':
    case 'prepare':
    case 'commit':
    case 'status':
    case 'fetch':
    case 'batch':
    case 'fetch-state':
    case 'state':
    case 'decided':
    case 'complaint':
    case 'reply-stable':
    case 'simulate-byzantine':
      return mode;
  }
}
