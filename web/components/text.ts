/** Words that several components need. */

export function plural(count: number, one: string, many: string = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** The beginning of a digest or key, enough to tell it from the others in sight. */
export function brief(hex: string, characters = 8): string {
  return hex.length <= characters ? hex : `${hex.slice(0, characters)}…`;
}

/** A text with its digests brief: whoever reads it compares them with those in sight. */
export function briefDigests(text: string): string {
  return text.replaceAll(/\b[0-9a-f]{32,}\b/g, (hex) => brief(hex));
}

const CLIENT = 'client:';

/** `node2`, or `client c200`: who it is, as lanes and lists name it. */
export function partyText(party: string): string {
  return party.startsWith(CLIENT) ? `client ${party.slice(CLIENT.length, CLIENT.length + 4)}` : party;
}

/** `14:03:07.123`, the clock of whoever looks. */
export function clockText(us: number): string {
  const at = new Date(us / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}

/** `340 ms`, `2.1 s`, `4 min`. */
export function durationText(ms: number): string {
  if (ms < 1) return `${ms.toFixed(2)} ms`;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.round(ms / 60_000)} min`;
}
