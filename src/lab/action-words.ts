/** What is done by hand, in words. Pure. */
import type { Action } from './intervention.ts';

/** In words, for people. */
export function describeAction(action: Action): string {
  switch (action.do) {
    case 'drop':
      return `drop message ${action.message}`;
    case 'delay':
      return `hold back message ${action.message} for ${action.byUs / 1000} ms`;
    case 'duplicate':
      return `double message ${action.message} after ${action.afterUs / 1000} ms`;
    case 'cut':
    case 'mend':
      return `${action.do} the link from ${action.from} to ${action.to}`;
    case 'behave':
      return action.behaviour === null ? `${action.node} stops lying` : `${action.node} begins to ${action.behaviour}`;
    case 'request':
      return `client${action.client} asks for ${action.operation}`;
    case 'lose-disk':
      return `take the disk of ${action.node}`;
    default:
      return `${action.do} ${action.node}`;
  }
}
