import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventTextReader } from './event-text.ts';

describe('EventTextReader', () => {
  const text = ': hello\n\nretry: 1000\nid: a-1\ndata: {"x":1}\n\nid: a-2\ndata: {"x":2}\n\n';
  const events = [
    { id: 'a-1', data: '{"x":1}' },
    { id: 'a-2', data: '{"x":2}' },
  ];

  it('gives the same events however the text is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 6 }), (cuts) => {
        const reader = new EventTextReader();
        const places = [0, ...cuts.toSorted((left, right) => left - right), text.length];
        const read = places.slice(1).flatMap((to, index) => reader.read(text.slice(places[index], to)));
        expect(read).toEqual(events);
      }),
    );
  });

  it('gives nothing of an event that is not complete', () => {
    const reader = new EventTextReader();
    expect(reader.read('id: a-1\ndata: {"x":')).toEqual([]);
    expect(reader.read('1}\n')).toEqual([]);
    expect(reader.read('\n')).toEqual(events.slice(0, 1));
  });

  it('joins the lines of one event, and passes over what is none', () => {
    const reader = new EventTextReader();
    expect(reader.read('data: a\ndata:b\nevent: c\n\n: comment\n\nid: 7\n\n')).toEqual([
      { id: undefined, data: 'a\nb' },
    ]);
  });

  it('refuses what never ends', () => {
    const reader = new EventTextReader();
    expect(() => {
      for (let piece = 0; piece < 5; piece += 1) reader.read('x'.repeat(1024 * 1024));
    }).toThrow('an event of more than');
  });
});
