/** Colours of the style sheet as a canvas takes them. */
import { PHASE_LOOKS, PHASES } from '../../model/language.ts';

export interface Colors {
  readonly phases: ReadonlyMap<string, string>;
  readonly text: string;
  readonly soft: string;
  readonly line: string;
  readonly surface: string;
  readonly sunk: string;
  readonly accent: string;
  readonly bad: string;
  readonly warn: string;
}

/** Resolved through an element of the page, since `light-dark()` and `var()` mean nothing to a canvas. */
export function readColors(host: HTMLElement): Colors {
  const probe = document.createElement('span');
  probe.hidden = true;
  host.append(probe);
  const read = (property: string): string => {
    probe.style.color = `var(${property})`;
    return getComputedStyle(probe).color;
  };
  const colors: Colors = {
    phases: new Map(PHASES.map((phase) => [phase, read(PHASE_LOOKS[phase].color)])),
    text: read('--text'),
    soft: read('--text-soft'),
    line: read('--line'),
    surface: read('--surface'),
    sunk: read('--surface-sunk'),
    accent: read('--accent'),
    bad: read('--bad'),
    warn: read('--warn'),
  };
  probe.remove();
  return colors;
}
