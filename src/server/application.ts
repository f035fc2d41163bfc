/** Finds the state machine that the configuration names. It only loads; what it loads runs inside the replica, as trusted as the replica itself. */
import { pathToFileURL } from 'node:url';
import { applicationNamed } from '../apps/index.ts';
import type { Result } from '../base/result.ts';
import { fail, ok } from '../base/result.ts';
import type { StateMachine } from '../protocol/ports.ts';
import type { ApplicationChoice } from './config/index.ts';

/** The state machine, or one line that says why there is none. A module gives it as its default export or as `application`. */
export async function loadApplication(choice: ApplicationChoice): Promise<Result<StateMachine, string>> {
  if (choice.kind === 'builtin') {
    const application = applicationNamed(choice.name);
    return application === undefined ? fail(`there is no built-in application "${choice.name}"`) : ok(application);
  }
  let exported: Readonly<Record<string, unknown>>;
  try {
    exported = (await import(pathToFileURL(choice.path).href)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    return fail(
      `cannot load the application ${choice.path}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  const application = [exported['default'], exported['application']].find(isStateMachine);
  if (application === undefined) {
    return fail(
      `${choice.path} has no state machine: its default export, or an export named "application", needs a function execute(state, operation, context)`,
    );
  }
  return ok(application);
}

/** What people call the application: `ledger`, or the path of its module. */
export function applicationName(choice: ApplicationChoice): string {
  return choice.kind === 'builtin' ? choice.name : choice.path;
}

function isStateMachine(value: unknown): value is StateMachine {
  if (typeof value !== 'object' || value === null) return false;
  const { execute, query, initialize } = value as Partial<Record<keyof StateMachine, unknown>>;
  const isOptionalFunction = (member: unknown): boolean => member === undefined || typeof member === 'function';
  return typeof execute === 'function' && isOptionalFunction(query) && isOptionalFunction(initialize);
}
