/** The link to exactly what is seen, and the run as text. */
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { refusalOf } from '../../src/lab/link-fragment.ts';
import type { LabStore } from './lab-store.ts';

export function SharePanel({ store }: { store: LabStore }): VNode {
  const [told, setTold] = useState('');
  const copy = async (): Promise<void> => {
    const link = store.link();
    const refusal = refusalOf(link.slice(1));
    if (refusal !== undefined) {
      setTold(`No link: ${refusal}. The run can be saved as text.`);
      return;
    }
    history.replaceState(undefined, '', link);
    try {
      await navigator.clipboard.writeText(location.href);
      setTold('The link is copied. It is in the address as well.');
    } catch {
      // Not every page may write there; the address holds it.
      setTold('The link is in the address: copy it from there.');
    }
  };
  return (
    <>
      <button type="button" class="button" onClick={() => void copy()}>
        Copy link
      </button>
      <button type="button" class="button" onClick={() => store.trace(saveText)}>
        Save as text
      </button>
      <span class="small soft" role="status" data-testid="shared">
        {told}
      </span>
    </>
  );
}

function saveText(text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  const anchor = document.createElement('a');
  anchor.href = url;
  anchor.download = 'pbft-run.txt';
  anchor.click();
  URL.revokeObjectURL(url);
}
