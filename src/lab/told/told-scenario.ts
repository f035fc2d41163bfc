/** A told scenario, as data: a run, the words that belong to what happens in it, and a question or a challenge at its end. */
import type { Goal } from '../challenge.ts';
import type { Action } from '../intervention.ts';
import type { Pattern } from '../pattern.ts';

/** One step of a story. */
export interface Chapter {
  readonly title: string;
  /** Plain words about what is on the screen where it begins. */
  readonly words: string;
  /** It begins at the first event that fits, after that of the chapter before. */
  readonly at: Pattern;
}

type MessageAction = Extract<Action, { readonly message: number }>;
/** An action of a solution: a message is the one whose sending fitted `when`. */
export type MoveAction =
  | Exclude<Action, MessageAction>
  | Omit<Extract<Action, { do: 'drop' }>, 'message'>
  | Omit<Extract<Action, { do: 'delay' }>, 'message'>
  | Omit<Extract<Action, { do: 'duplicate' }>, 'message'>;

/** One move of a solution: as soon as an event fits, after the one of the move before, or with it. `when` left out: at once. */
export interface Move {
  readonly when?: Pattern;
  readonly action: MoveAction;
}

export interface Challenge {
  /** What is to be brought about. */
  readonly words: string;
  readonly hint: string;
  /** The scenario that it begins with. */
  readonly text: string;
  readonly goal: Goal;
  /** One way to win. */
  readonly solution: readonly Move[];
}

export interface ToldScenario {
  /** Of the link: kebab-case. */
  readonly id: string;
  readonly title: string;
  readonly summary: string;
  /** The scenario, in the language of docs/simulator.md. */
  readonly text: string;
  readonly chapters: readonly Chapter[];
  readonly question: string;
  readonly answer: string;
  readonly challenge: Challenge | undefined;
}

/** What the network calls the first two clients of a scenario. */
export const CLIENT_1 = 'client:c1000000';
export const CLIENT_2 = 'client:c2000000';

/** Lines of a scenario. */
export function lines(...commands: readonly string[]): string {
  return commands.map((command) => `> ${command}\n`).join('');
}

export function transfer(client: number, to: string, amount: number): string {
  return `request client${client} ${JSON.stringify({ operation: 'transfer', to, amount })}`;
}

export function put(client: number, value: string): string {
  return `request client${client} ${JSON.stringify({ operation: 'put', key: 'x', value })}`;
}

/** `node` has sent a message of this type, to `to` or anybody. */
export function sent(node: string, type: string, to?: string): Pattern {
  return { kind: 'message-sent', where: { node, 'message.type': type, ...(to === undefined ? {} : { to }) } };
}
