/** How the cluster stands, in a sentence: the first thing that is read. Pure. */
import type { Presence } from '../model/nodes.ts';
import type { StateLook } from '../model/language.ts';
import type { Picture } from '../model/picture.ts';

export interface Standing {
  readonly state: StateLook;
  readonly text: string;
}

const list = (names: readonly string[]): string => names.join(', ');

/** `servedBy`: the node that the page came from. */
export function standingOf(picture: Picture, presences: ReadonlyMap<string, Presence>, servedBy: string): Standing {
  const { nodes, quorum, faultLimit } = picture.members;
  const of = (presence: Presence): readonly string[] => nodes.filter((name) => presences.get(name) === presence);
  const [up, down, paused, connecting, refused] = [of('up'), of('down'), of('paused'), of('connecting'), of('refused')];
  if (connecting.length === nodes.length) return { state: 'off', text: 'Joining the streams of all nodes…' };
  const own = down.includes(servedBy) ? ` ${servedBy} served this page, which goes on with the others.` : '';
  const missing = [
    ...(down.length > 0 ? [`${list(down)} ${down.length === 1 ? 'is' : 'are'} down`] : []),
    ...(connecting.length > 0
      ? [`${list(connecting)} ${connecting.length === 1 ? 'has' : 'have'} not answered yet`]
      : []),
    ...(refused.length > 0 ? [`${list(refused)} ${refused.length === 1 ? 'tells' : 'tell'} this page nothing`] : []),
    ...(paused.length > 0 ? [`${list(paused)} ${paused.length === 1 ? 'is' : 'are'} paused`] : []),
  ].join('; ');
  const there = up.length + refused.length;
  if (there < quorum && connecting.length > 0) return { state: 'off', text: `${missing}.${own}` };
  if (there < quorum)
    return {
      state: 'bad',
      text: `${missing}: only ${there} of ${nodes.length} nodes answer, and a quorum takes ${quorum}. Nothing can be decided.${own}`,
    };
  const caught = [...picture.suspicions.certainNodes()];
  const changing = up.filter((name) => picture.nodes.get(name)?.inViewChange === true);
  const lying = caught.length === 0 ? '' : ` ${list(caught)} ${caught.length === 1 ? 'was' : 'were'} caught lying.`;
  if (caught.length > faultLimit)
    return {
      state: 'bad',
      text: `${list(caught)} were caught lying, and only ${faultLimit} may: nothing is guaranteed.${own}`,
    };
  if (changing.length >= quorum - 1 && changing.length > 0)
    return { state: 'warn', text: `A view change is under way.${missing === '' ? '' : ` ${missing}.`}${own}` };
  if (missing !== '') return { state: 'warn', text: `${missing}; the others go on.${lying}${own}` };
  if (caught.length > 0)
    return { state: 'warn', text: `All ${nodes.length} nodes are up.${lying} The others bear it.` };
  return { state: 'ok', text: `All ${nodes.length} nodes are up, in view ${picture.view}.` };
}
