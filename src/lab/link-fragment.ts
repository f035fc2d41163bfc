/** How a link to a run is spelled. Apart from reading it, which needs the whole simulator: a page that only leads to runs stays small. */

export const LINK_VERSION = '1';
/** Without the `#`. */
export const LONGEST_LINK = 32_768;

/** Why a link would not open, in words; undefined for one that does. */
export function refusalOf(fragment: string): string | undefined {
  return fragment.length <= LONGEST_LINK
    ? undefined
    : `too much was done by hand for a link: it would have ${fragment.length} characters, and opens with at most ${LONGEST_LINK}`;
}

/** Version, then the fields in their order; without the `#`. */
export function fragmentOf(fields: readonly (readonly [string, string])[]): string {
  const all: readonly (readonly [string, string])[] = [['v', LINK_VERSION], ...fields];
  return all.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');
}

/** Whether `#…` of an address is meant for the lab: it has a field, be it a wrong one. All else is a place in a page, such as `#main`. */
export function isLink(fragment: string): boolean {
  return fragment.includes('=');
}

/** To the beginning of a run that nobody has interfered with. */
export type PlainSource =
  | { readonly kind: 'told'; readonly id: string; readonly isChallenge: boolean }
  | { readonly kind: 'seed'; readonly seed: number }
  | { readonly kind: 'text'; readonly text: string };

/** With the `#`. */
export function plainAddress(build: string, source: PlainSource): string {
  switch (source.kind) {
    case 'told':
      return `#${fragmentOf([
        ['build', build],
        ['told', source.id],
        ...(source.isChallenge ? [['challenge', 'yes'] as const] : []),
      ])}`;
    case 'seed':
      return `#${fragmentOf([
        ['build', build],
        ['seed', String(source.seed)],
      ])}`;
    case 'text':
      return `#${fragmentOf([
        ['build', build],
        ['text', source.text],
      ])}`;
  }
}
