import { describe, expect, it } from 'vitest';
import type { Presence } from '../model/nodes.ts';
import { Picture } from '../model/picture.ts';
import { standingOf } from './standing.ts';

const NODES = ['node1', 'node2', 'node3', 'node4'];

function standing(...presences: readonly Presence[]): ReturnType<typeof standingOf> {
  const picture = new Picture({ nodes: NODES, faultLimit: 1, quorum: 3, prepares: 2 });
  return standingOf(picture, new Map(NODES.map((name, index) => [name, presences[index] ?? 'up'])), 'node1');
}

describe('the first line of the dashboard', () => {
  it('says that all are up only where all are', () => {
    expect(standing('up', 'up', 'up', 'up')).toEqual({ state: 'ok', text: 'All 4 nodes are up, in view 0.' });
    expect(standing('up', 'up', 'up', 'connecting')).toMatchObject({
      state: 'warn',
      text: 'node4 has not answered yet; the others go on.',
    });
  });

  it('says who is missing, and what became of whoever served the page', () => {
    expect(standing('down', 'up', 'up', 'up').text).toBe(
      'node1 is down; the others go on. node1 served this page, which goes on with the others.',
    );
    expect(standing('up', 'paused', 'up', 'up').text).toBe('node2 is paused; the others go on.');
  });

  it('does not take nodes for dead that only do not tell this page', () => {
    expect(standing('refused', 'refused', 'refused', 'refused')).toMatchObject({ state: 'warn' });
    expect(standing('refused', 'up', 'up', 'up').text).toBe('node1 tells this page nothing; the others go on.');
  });

  it('says when nothing can be decided, and not before it is known', () => {
    expect(standing('up', 'up', 'down', 'down')).toMatchObject({ state: 'bad' });
    expect(standing('up', 'up', 'down', 'connecting')).toMatchObject({ state: 'off' });
    expect(standing('connecting', 'connecting', 'connecting', 'connecting')).toMatchObject({ state: 'off' });
  });
});
