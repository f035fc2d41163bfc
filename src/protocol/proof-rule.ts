/** Which proof a message bears: one table for those who seal and those who open. [docs/protocol.md, "Who proves what to whom"] */
import type { MessageType } from '../messages/index.ts';
import type { AuthenticationMode } from './config.ts';

/** `none`: each item inside proves itself (requests; in signature mode replies). */
export function proofKind(type: MessageType, mode: AuthenticationMode): 'none' | 'mac' | 'signature' {
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
      return mode === 'mac' ? 'mac' : 'none';
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
