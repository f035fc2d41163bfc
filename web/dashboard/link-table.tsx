/** The links between nodes, one for each direction: up, cut or slow. A press goes on to the next of these. */
import type { VNode } from 'preact';
import type { LabBody, LabLinkBody } from '../../src/api/index.ts';
import './link-table.css';

export interface LinkTableProps {
  readonly nodes: readonly string[];
  readonly lab: LabBody;
  readonly onSwitch: (order: LabLinkBody) => void;
}

/** How late a slow link is, in ms. */
const DELAY_MS = 300;

const NEXT = { up: 'cut', cut: 'slow', slow: 'up' } as const;
const GLYPHS = { up: '→', cut: '✕', slow: '◷' } as const;

export function LinkTable({ nodes, lab, onSwitch }: LinkTableProps): VNode {
  const stateOf = (from: string, to: string) => lab.links.find((link) => link.from === from && link.to === to);
  const order = (from: string, to: string, state: LabLinkBody['state']): void =>
    onSwitch(state === 'slow' ? { from, to, state, delay_ms: DELAY_MS } : { from, to, state });
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="From each node to each">
      <table class="link-table">
        <thead>
          <tr>
            <th scope="col">from \ to</th>
            {nodes.map((to) => (
              <th key={to} scope="col">
                {to}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {nodes.map((from) => (
            <tr key={from}>
              <th scope="row">{from}</th>
              {nodes.map((to) => {
                if (from === to) return <td key={to} aria-hidden="true" />;
                const link = stateOf(from, to);
                const state = link?.state ?? 'up';
                const delay = link?.delay_ms === null || link === undefined ? '' : ` ${link.delay_ms} ms late`;
                return (
                  <td key={to}>
                    <button
                      type="button"
                      class={`link-cell ${state}`}
                      aria-label={`${from} to ${to}: ${state}${delay}. Make it ${NEXT[state]}`}
                      title={`${from} to ${to}: ${state}${delay}`}
                      onClick={() => order(from, to, NEXT[state])}
                    >
                      <span aria-hidden="true">{GLYPHS[state]}</span> {state}
                    </button>
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
