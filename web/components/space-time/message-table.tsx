/** Every message in sight as a table: the diagram for whoever cannot see it, or wants to read it. */
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import type { Phase } from '../../model/language.ts';
import type { Picture } from '../../model/picture.ts';
import type { Hit } from './scene.ts';

export interface MessageTableProps {
  readonly picture: Picture;
  readonly version: number;
  readonly isSeen: (party: string) => boolean;
  readonly hidden: ReadonlySet<Phase>;
  readonly formatTime: (us: number) => string;
  readonly onSelect: (hit: Hit) => void;
}

const ROWS = 60;

export function MessageTable({ picture, isSeen, hidden, formatTime, onSelect }: MessageTableProps): VNode {
  const [isOpen, setIsOpen] = useState(false);
  const rows = isOpen
    ? picture.arrows.list
        .filter(({ phase }) => !hidden.has(phase))
        .slice(-ROWS)
        .toReversed()
    : [];
  return (
    <details class="message-table" onToggle={(event) => setIsOpen(event.currentTarget.open)}>
      <summary>The last {ROWS} messages as a table</summary>
      <div class="scroll" tabIndex={0} role="region" aria-label="Messages">
        <table>
          <thead>
            <tr>
              <th scope="col">Message</th>
              <th scope="col">From</th>
              <th scope="col">To</th>
              <th scope="col">View</th>
              <th scope="col">Number</th>
              <th scope="col">Sent</th>
              <th scope="col">State</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((arrow) => (
              <tr key={arrow.key}>
                <th scope="row">
                  <button type="button" class="link" onClick={() => onSelect({ kind: 'arrow', key: arrow.key })}>
                    {arrow.message.type}
                  </button>
                </th>
                <td>{arrow.from}</td>
                <td>{arrow.to}</td>
                <td>{arrow.message.view ?? '–'}</td>
                <td>{arrow.message.sequence ?? '–'}</td>
                <td>{arrow.sentUs === undefined ? '–' : formatTime(arrow.sentUs)}</td>
                <td>{picture.fateOf(arrow, isSeen)}</td>
              </tr>
            ))}
          </tbody>
        </table>
        {isOpen && rows.length === 0 ? <p class="soft small">No message yet.</p> : undefined}
      </div>
    </details>
  );
}
