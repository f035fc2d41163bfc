/** The messages under way: who sent what to whom, when it arrives, and what can be done to it. */
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { plural } from '../components/text.ts';
import type { FlightSight, RunSight } from '../../src/lab/sight.ts';
import type { LabStore } from './lab-store.ts';

/** Rows that are shown: the next to arrive. */
const MOST_ROWS = 40;
const DELAYS_MS: readonly number[] = [1, 5, 50, 500];

export function FlightTable({ store, sight }: { store: LabStore; sight: RunSight }): VNode {
  const [isRepairShown, setRepairShown] = useState(false);
  const flights = sight.inFlight.filter(({ message }) => isRepairShown || message?.type !== 'status');
  const shown = flights.slice(0, MOST_ROWS);
  return (
    <details class="flights" open>
      <summary>Under way: {plural(flights.length, 'message')}</summary>
      <label class="check small">
        <input type="checkbox" checked={isRepairShown} onChange={() => setRepairShown(!isRepairShown)} /> STATUS as well
      </label>
      <div class="scroll flights-scroll" tabIndex={0} role="region" aria-label="Messages under way">
        {shown.length === 0 ? (
          <p class="soft small">Nothing but what is hidden above.</p>
        ) : (
          <table>
            <thead>
              <tr>
                <th scope="col">Message</th>
                <th scope="col">From, to</th>
                <th scope="col">Arrives in</th>
                <th scope="col">By hand</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((flight) => (
                <tr key={flight.number}>
                  <td>
                    {flight.message?.type ?? 'no message'}
                    {numberText(flight)}
                  </td>
                  <td>
                    {flight.from} → {flight.to}
                  </td>
                  <td>{((flight.arrivesAtUs - sight.timeUs) / 1000).toFixed(2)} ms</td>
                  <td>
                    <FlightButtons store={store} flight={flight} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
        {flights.length > MOST_ROWS ? <p class="soft small">and {flights.length - MOST_ROWS} more</p> : undefined}
      </div>
    </details>
  );
}

/** ` n3`, where it is about one number. */
function numberText({ message }: FlightSight): string {
  const sequence = message?.sequence ?? 0;
  return sequence === 0 ? '' : ` n${sequence}`;
}

export function FlightButtons({ store, flight }: { store: LabStore; flight: FlightSight }): VNode {
  const [delayMs, setDelayMs] = useState(5);
  const { number, from, to } = flight;
  const what = `${flight.message?.type ?? 'message'} from ${from} to ${to}`;
  return (
    <span class="button-row flight-buttons">
      <button
        type="button"
        class="button danger"
        aria-label={`Drop ${what}`}
        onClick={() => store.act({ do: 'drop', message: number })}
      >
        Drop
      </button>
      <button
        type="button"
        class="button"
        aria-label={`Hold back ${what}`}
        onClick={() => store.act({ do: 'delay', message: number, byUs: delayMs * 1000 })}
      >
        Hold back
      </button>
      <select
        aria-label={`How long ${what} is held back`}
        value={delayMs}
        onChange={(event) => setDelayMs(Number(event.currentTarget.value))}
      >
        {DELAYS_MS.map((ms) => (
          <option key={ms} value={ms}>
            {ms} ms
          </option>
        ))}
      </select>
      <button
        type="button"
        class="button"
        aria-label={`Double ${what}`}
        onClick={() => store.act({ do: 'duplicate', message: number, afterUs: 500 })}
      >
        Double
      </button>
    </span>
  );
}
