/** What is selected, in words. Its place is always there, so that nothing moves when something is selected. */
import type { ComponentChildren, VNode } from 'preact';
import type { Arrow, Fate } from '../../model/arrows.ts';
import { PHASE_LOOKS } from '../../model/language.ts';
import type { Picture } from '../../model/picture.ts';
import type { Hit } from './scene.ts';

const FATES: Readonly<Record<Fate, string>> = {
  received: 'received',
  'in-flight': 'under way',
  lost: 'lost',
  unseen: 'sent; what the receiver got is not known here',
};

export interface DetailsProps {
  readonly picture: Picture;
  readonly selected: Hit | undefined;
  readonly formatTime: (us: number) => string;
  readonly isSeen: (party: string) => boolean;
  readonly onFocus: (sequence: number | undefined) => void;
  readonly actions: ((hit: Hit) => ComponentChildren) | undefined;
}

/** One sentence on what is selected. */
export function describeHit(picture: Picture, hit: Hit): string {
  if (hit.kind === 'mark') return picture.marks.list.find(({ key }) => key === hit.key)?.text ?? '';
  const arrow = picture.arrows.list.find(({ key }) => key === hit.key);
  return arrow === undefined ? '' : describeArrow(arrow);
}

function describeArrow({ from, to, message }: Arrow): string {
  const about = message.sequence === null ? '' : `, number ${message.sequence}`;
  const view = message.view === null ? '' : `, view ${message.view}`;
  return `${message.type} from ${from} to ${to}${view}${about}`;
}

export function Details({ picture, selected, formatTime, isSeen, onFocus, actions }: DetailsProps): VNode {
  const arrow = selected?.kind === 'arrow' ? picture.arrows.list.find(({ key }) => key === selected.key) : undefined;
  const mark = selected?.kind === 'mark' ? picture.marks.list.find(({ key }) => key === selected.key) : undefined;
  const sequence = arrow?.message.sequence ?? mark?.sequence;
  return (
    <div class="space-time-details" data-testid="details">
      {arrow === undefined && mark === undefined ? (
        <p class="soft small">Select a message or a mark to read it.</p>
      ) : undefined}
      {arrow === undefined ? undefined : (
        <dl>
          <Row name="Message">
            <strong style={{ color: `var(${PHASE_LOOKS[arrow.phase].color})` }}>{arrow.message.type}</strong>,{' '}
            {arrow.from} → {arrow.to}
          </Row>
          {arrow.message.view === null ? undefined : <Row name="View">{arrow.message.view}</Row>}
          {arrow.message.sequence === null ? undefined : <Row name="Number">{arrow.message.sequence}</Row>}
          {arrow.message.requests === null ? undefined : <Row name="Requests">{arrow.message.requests}</Row>}
          {arrow.message.digest === null ? undefined : (
            <Row name="Digest">
              <code title={arrow.message.digest}>{arrow.message.digest.slice(0, 16)}…</code>
            </Row>
          )}
          <Row name="Sent">{arrow.sentUs === undefined ? 'not known here' : formatTime(arrow.sentUs)}</Row>
          <Row name="Then">{fateText(arrow, picture.fateOf(arrow, isSeen))}</Row>
          <Row name="Size">{arrow.message.size_bytes} bytes</Row>
        </dl>
      )}
      {mark === undefined ? undefined : (
        <dl>
          <Row name="What">{mark.text}</Row>
          <Row name="When">{formatTime(mark.atUs)}</Row>
          {mark.digest === undefined ? undefined : (
            <Row name="Digest">
              <code title={mark.digest}>{mark.digest.slice(0, 16)}…</code>
            </Row>
          )}
          {certificateOf(picture, mark.kind, mark.sequence)}
        </dl>
      )}
      <div class="button-row">
        {sequence === undefined || sequence === null || sequence === 0 ? undefined : (
          <button type="button" class="button" onClick={() => onFocus(sequence)}>
            Only number {sequence}
          </button>
        )}
        {selected === undefined ? undefined : actions?.(selected)}
      </div>
    </div>
  );
}

function Row({ name, children }: { name: string; children: ComponentChildren }): VNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function fateText(arrow: Arrow, fate: Fate): string {
  const refused = arrow.refused === undefined ? '' : `, and refused: ${arrow.refused}`;
  if (fate !== 'received' || arrow.sentUs === undefined || arrow.receivedUs === undefined) return FATES[fate] + refused;
  return `received ${((arrow.receivedUs - arrow.sentUs) / 1000).toFixed(2)} ms later${refused}`;
}

/** Whose votes make the certificate that a mark stands for, as far as they were seen. */
function certificateOf(picture: Picture, kind: string, sequence: number | undefined): VNode | undefined {
  const slot = sequence === undefined ? undefined : picture.slots.get(sequence);
  if (slot?.digest === undefined || (kind !== 'prepared' && kind !== 'committed')) return undefined;
  const votes = (kind === 'prepared' ? slot.prepares : slot.commits).get(slot.digest) ?? new Set<string>();
  return <Row name="Votes seen">{[...votes].toSorted().join(', ') || 'none'}</Row>;
}
