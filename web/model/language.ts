/**
 * The visual language in one table: each phase has a colour (a custom property of `style/tokens.css`), and a letter and a dash that tell it apart where
 * no colour can. Charts, arrows, rows and legends all read it from here.
 */

export const PHASES = [
  'request',
  'pre-prepare',
  'prepare',
  'commit',
  'reply',
  'checkpoint',
  'view-change',
  'repair',
] as const;
export type Phase = (typeof PHASES)[number];

export interface PhaseLook {
  readonly label: string;
  /** One or two letters, for arrows and narrow places. */
  readonly letter: string;
  /** Name of its custom property. */
  readonly color: string;
  /** Lengths of strokes and gaps in px; empty: a whole line. */
  readonly dash: readonly number[];
  /** Width of its line in px. */
  readonly width: number;
  /** What happens in it, for legends. */
  readonly meaning: string;
}

export const PHASE_LOOKS: Readonly<Record<Phase, PhaseLook>> = {
  request: {
    label: 'request',
    letter: 'R',
    color: '--phase-request',
    dash: [],
    width: 1.5,
    meaning: 'a client asks; the request is handed to the primary',
  },
  'pre-prepare': {
    label: 'pre-prepare',
    letter: 'PP',
    color: '--phase-pre-prepare',
    dash: [],
    width: 2.75,
    meaning: 'the primary gives a batch of requests its number',
  },
  prepare: {
    label: 'prepare',
    letter: 'P',
    color: '--phase-prepare',
    dash: [7, 3],
    width: 1.5,
    meaning: 'a backup says which batch it accepted under that number',
  },
  commit: {
    label: 'commit',
    letter: 'C',
    color: '--phase-commit',
    dash: [2, 3],
    width: 2,
    meaning: 'a replica says that a quorum accepted the same batch',
  },
  reply: {
    label: 'reply',
    letter: 'Re',
    color: '--phase-reply',
    dash: [12, 3],
    width: 1.5,
    meaning: 'a replica tells the client the result',
  },
  checkpoint: {
    label: 'checkpoint',
    letter: 'K',
    color: '--phase-checkpoint',
    dash: [1, 4],
    width: 1.5,
    meaning: 'a replica signs the digest of its state, so that old messages can go',
  },
  'view-change': {
    label: 'view change',
    letter: 'V',
    color: '--phase-view-change',
    dash: [10, 3, 2, 3],
    width: 2.5,
    meaning: 'replicas replace the primary',
  },
  repair: {
    label: 'repair',
    letter: 'S',
    color: '--phase-repair',
    dash: [4, 4],
    width: 1,
    meaning: 'status, and what somebody missed',
  },
};

const PHASE_OF: Readonly<Record<string, Phase>> = {
  request: 'request',
  requests: 'request',
  'pre-prepare': 'pre-prepare',
  prepare: 'prepare',
  commit: 'commit',
  reply: 'reply',
  replies: 'reply',
  checkpoint: 'checkpoint',
  'view-change': 'view-change',
  'new-view': 'view-change',
};

/** The phase of a message type; everything that none of them names repairs something. */
export function phaseOf(messageType: string): Phase {
  return PHASE_OF[messageType] ?? 'repair';
}

/** What a state is drawn as: a class of `style/base.css` and a glyph that says the same without colour. */
export const STATE_LOOKS = {
  ok: { glyph: '●', className: 'ok' },
  warn: { glyph: '▲', className: 'warn' },
  bad: { glyph: '✕', className: 'bad' },
  off: { glyph: '○', className: '' },
} as const;
export type StateLook = keyof typeof STATE_LOOKS;
