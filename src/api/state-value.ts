/** What is stored at a key, as one node says: `GET /pbft/state/{key}`. With a proof instead: state-proof.ts. */
import Type from 'typebox';
import type { Static } from 'typebox';
import { ExactBytes } from './state-proof.ts';

/** 1,000 bytes in base64url, the longer of the two encodings. */
const MAX_KEY_CHARACTERS = 1334;

export const StateParams = Type.Object({
  key: Type.String({
    minLength: 1,
    maxLength: MAX_KEY_CHARACTERS,
    description: 'the key as the application knows it, at most 1,000 bytes, percent-encoded',
  }),
});

export const StateQuery = Type.Object(
  {
    proof: Type.Optional(
      Type.Boolean({
        description: 'true: the value at the last stable checkpoint, with what proves it; see docs/state-proofs.md',
      }),
    ),
    encoding: Type.Optional(
      Type.Enum(['utf8', 'base64url'], { description: 'how the path names the key; default utf8' }),
    ),
  },
  { additionalProperties: false },
);
export type StateQuery = Static<typeof StateQuery>;

export const StateValueBody = Type.Object(
  {
    key: ExactBytes,
    value: Type.Union([ExactBytes, Type.Null()], { description: 'what is stored there; null: nothing' }),
    as_of_sequence: Type.Integer({ minimum: 0, description: 'the last batch executed here' }),
  },
  { $id: 'StateValue', additionalProperties: false },
);
export type StateValueBody = Static<typeof StateValueBody>;
