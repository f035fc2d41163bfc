/** What components ask the browser: media queries, the chosen scheme, how wide something is. */
import { signal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';

/** Whether a media query holds; follows it. */
export function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const onChange = (): void => setMatches(list.matches);
    onChange();
    list.addEventListener('change', onChange);
    return () => list.removeEventListener('change', onChange);
  }, [query]);
  return matches;
}

export type Scheme = 'light' | 'dark';

const STORAGE_KEY = 'pbft-scheme';

/** What was chosen; undefined: the system decides. */
export const chosenScheme = signal<Scheme | undefined>(readScheme());

function readScheme(): Scheme | undefined {
  try {
    const stored = localStorage.getItem(STORAGE_KEY);
    return stored === 'light' || stored === 'dark' ? stored : undefined;
  } catch {
    // Storage may be forbidden; then the system decides.
    return undefined;
  }
}

/** Applies a choice and remembers it where that is allowed. */
export function chooseScheme(scheme: Scheme | undefined): void {
  chosenScheme.value = scheme;
  if (scheme === undefined) delete document.documentElement.dataset['scheme'];
  else document.documentElement.dataset['scheme'] = scheme;
  try {
    if (scheme === undefined) localStorage.removeItem(STORAGE_KEY);
    else localStorage.setItem(STORAGE_KEY, scheme);
  } catch {
    // As above: the choice then lasts as long as the page.
  }
}

/** The scheme that is shown. */
export function useScheme(): Scheme {
  const isSystemDark = useMedia('(prefers-color-scheme: dark)');
  return chosenScheme.value ?? (isSystemDark ? 'dark' : 'light');
}

/** Width of an element's content box in px; 0 until it is laid out. */
export function useElementWidth(element: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (element.current === null) return undefined;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [element]);
  return width;
}
