/** A state in one word with a glyph: readable without its colour. */
import type { ComponentChildren, VNode } from 'preact';
import { STATE_LOOKS } from '../model/language.ts';
import type { StateLook } from '../model/language.ts';

export function Sign({ state, children }: { state: StateLook; children: ComponentChildren }): VNode {
  const { glyph, className } = STATE_LOOKS[state];
  return (
    <span class={`sign ${className}`}>
      <span aria-hidden="true">{glyph}</span>
      {children}
    </span>
  );
}
