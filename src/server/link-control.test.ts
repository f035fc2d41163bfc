import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { asClientId, asReplicaId } from '../base/ids.ts';
import type { Message } from '../messages/index.ts';
import type { Party } from '../protocol/ports.ts';
import { LinkControl } from './link-control.ts';

const [ONE, TWO] = [asReplicaId(1), asReplicaId(2)];
const replica = (id: typeof ONE): Party => ({ kind: 'replica', replica: id });
const CLIENT: Party = { kind: 'client', client: asClientId('ab'.repeat(32)) };
const MESSAGE: Message = { type: 'decided', replica: asReplicaId(0), decisions: [] };

describe('LinkControl', () => {
  let sent: string[];
  let isUp: boolean;
  let links: LinkControl;
  const send = (to: Party, byte: number): boolean => links.send(to, Uint8Array.of(byte), MESSAGE);

  beforeEach(() => {
    vi.useFakeTimers();
    sent = [];
    isUp = true;
    links = new LinkControl({
      clock: () => Math.round(performance.now() * 1000),
      send: (to, frame) => {
        sent.push(`${to.kind === 'replica' ? to.replica : 'client'}:${frame[0]}`);
        return isUp;
      },
    });
  });
  afterEach(() => {
    links.stop();
    vi.useRealTimers();
  });

  it('lets everything through that nobody switched, and says where it was dropped', () => {
    expect([send(replica(ONE), 1), send(CLIENT, 2)]).toEqual([true, true]);
    isUp = false;
    expect(send(replica(ONE), 3)).toBe(false);
    expect(sent).toEqual(['1:1', 'client:2', '1:3']);
  });

  it('loses what goes over a cut link, unknown to the sender, and nothing else', () => {
    links.order(ONE, { state: 'cut' });
    expect([send(replica(ONE), 1), send(replica(TWO), 2), send(CLIENT, 3)]).toEqual([true, true, true]);
    vi.advanceTimersByTime(60_000);
    expect(sent).toEqual(['2:2', 'client:3']);
    links.order(ONE, { state: 'up' });
    send(replica(ONE), 4);
    expect(sent.at(-1)).toBe('1:4');
  });

  it('brings everything late over a slow link, in order', () => {
    links.order(ONE, { state: 'slow', delayMs: 100 });
    send(replica(ONE), 1);
    vi.advanceTimersByTime(50);
    send(replica(ONE), 2);
    send(replica(TWO), 3);
    vi.advanceTimersByTime(49);
    expect(sent).toEqual(['2:3']);
    vi.advanceTimersByTime(2);
    expect(sent).toEqual(['2:3', '1:1']);
    vi.advanceTimersByTime(50);
    expect(sent).toEqual(['2:3', '1:1', '1:2']);
  });

  it('lets no frame overtake another when a slow link is up again', () => {
    links.order(ONE, { state: 'slow', delayMs: 10_000 });
    send(replica(ONE), 1);
    links.order(ONE, { state: 'up' });
    send(replica(ONE), 2);
    expect(sent).toEqual(['1:1', '1:2']);
    vi.advanceTimersByTime(60_000);
    expect(sent).toEqual(['1:1', '1:2']);
  });

  it('loses what is under way when a slow link is cut', () => {
    links.order(ONE, { state: 'slow', delayMs: 100 });
    send(replica(ONE), 1);
    links.order(ONE, { state: 'cut' });
    vi.advanceTimersByTime(1000);
    expect(sent).toEqual([]);
  });

  it('takes another delay for what comes from now on', () => {
    links.order(ONE, { state: 'slow', delayMs: 100 });
    links.order(ONE, { state: 'slow', delayMs: 500 });
    send(replica(ONE), 1);
    vi.advanceTimersByTime(499);
    expect(sent).toEqual([]);
    vi.advanceTimersByTime(2);
    expect(sent).toEqual(['1:1']);
  });

  it('sends nothing any more once it is stopped', () => {
    links.order(ONE, { state: 'slow', delayMs: 100 });
    send(replica(ONE), 1);
    links.stop();
    vi.advanceTimersByTime(1000);
    expect(sent).toEqual([]);
  });
});
