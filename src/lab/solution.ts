/** Plays the moves of a solution in a session: each as soon as what it waits for has happened. */
import { fits } from './pattern.ts';
import type { Action } from './intervention.ts';
import type { Happening } from './lab-event.ts';
import type { LabSession } from './lab-session.ts';
import { flightSights } from './sight.ts';
import type { Move, MoveAction } from './told/told-scenario.ts';

/** All moves, and then to the end of the script. False when a move found no moment or could not be done. */
export function playSolution(session: LabSession, moves: readonly Move[]): boolean {
  let seen = 0;
  for (const { when, action } of moves) {
    let found: Happening | undefined;
    if (when !== undefined) {
      for (;;) {
        const { happenings } = session;
        while (seen < happenings.length && found === undefined) {
          const next = happenings[seen];
          seen += 1;
          if (next !== undefined && fits(next.event, when)) found = next;
        }
        if (found !== undefined) break;
        if (session.run.isScriptOver || !session.advance()) return false;
      }
    }
    const made = actionOf(session, action, found);
    if (made === undefined || !session.interfere(made).ok) return false;
  }
  while (!session.run.isScriptOver && session.advance());
  return true;
}

/** With the number of the message that was sent in `found`; undefined where it is not under way any more. */
function actionOf(session: LabSession, action: MoveAction, found: Happening | undefined): Action | undefined {
  if (action.do !== 'drop' && action.do !== 'delay' && action.do !== 'duplicate') return action;
  const event = found?.event;
  if (event?.kind !== 'message-sent') return undefined;
  const number = numberOf(session, event.node, event.to, event.message.id);
  return number === undefined ? undefined : { ...action, message: number };
}

/** Of the message under way that was sent last with this id from one party to another. */
export function numberOf({ run }: LabSession, from: string, to: string, id: string): number | undefined {
  return flightSights(run).findLast((flight) => flight.from === from && flight.to === to && flight.message?.id === id)
    ?.number;
}
