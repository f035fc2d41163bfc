/** A figure over time. The last value stands beside its name as text; what the lines say is told in words too. */
import type { VNode } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useElementWidth, useScheme } from './environment.ts';
import './chart.css';

export interface ChartSeries {
  readonly label: string;
  /** Name of a custom property. */
  readonly color: string;
  readonly dash?: readonly number[];
  /** As long as `times`; null where there is none. */
  readonly values: readonly (number | null)[];
}

export interface ChartProps {
  readonly title: string;
  readonly unit: string;
  /** s since 1970, ascending. */
  readonly times: readonly number[];
  readonly series: readonly ChartSeries[];
}

const HEIGHT = 132;

function format(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  if (value >= 100 || Number.isInteger(value)) return String(Math.round(value));
  return value.toFixed(1);
}

export function Chart({ title, unit, times, series }: ChartProps): VNode {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const width = useElementWidth(host);
  const scheme = useScheme();
  const names = series.map(({ label }) => label).join();
  const [Plot, setPlot] = useState<typeof uPlot>();
  useEffect(() => {
    // Loaded when the page stands: lines come a moment later, and without them the figures are still there as text.
    import('uplot').then(
      (module) => setPlot(() => module.default),
      () => undefined,
    );
  }, []);
  useEffect(() => {
    if (Plot === undefined || host.current === null || width === 0) return undefined;
    const made = new Plot(optionsFor(host.current, series, width), [[], ...series.map(() => [])], host.current);
    plot.current = made;
    return () => {
      made.destroy();
      plot.current = undefined;
    };
    // Colours are those of the scheme; lines come and go with their names.
  }, [Plot, width > 0, scheme, names]);
  useEffect(() => {
    if (width > 0) plot.current?.setSize({ width, height: HEIGHT });
  }, [width]);
  useEffect(() => {
    plot.current?.setData([[...times], ...series.map(({ values }) => [...values])]);
  }, [Plot, times, series, width > 0, scheme]);
  const told = useMemo(
    () => series.map((one) => `${one.label} ${format(one.values.at(-1))} ${unit}`).join(', '),
    [series],
  );
  return (
    <figure class="chart">
      <figcaption>
        <h3>{title}</h3>
        <ul>
          {series.map(({ label, color, dash, values }) => (
            <li key={label}>
              <svg viewBox="0 0 18 4" aria-hidden="true">
                <line
                  x1="0"
                  x2="18"
                  y1="2"
                  y2="2"
                  stroke={`var(${color})`}
                  stroke-width="2.5"
                  {...(dash === undefined ? {} : { 'stroke-dasharray': dash.join(' ') })}
                />
              </svg>
              {label} <b>{format(values.at(-1))}</b> {unit}
            </li>
          ))}
        </ul>
      </figcaption>
      <div class="plot" ref={host} role="img" aria-label={`${title} over the last minutes. Now: ${told}.`} />
    </figure>
  );
}

function optionsFor(host: HTMLElement, series: readonly ChartSeries[], width: number): uPlot.Options {
  const resolve = (property: string): string => {
    const probe = document.createElement('span');
    probe.style.color = `var(${property})`;
    host.append(probe);
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  };
  const axis = {
    stroke: resolve('--text-soft'),
    grid: { stroke: resolve('--line'), width: 1 },
    ticks: { show: false },
    font: '11px system-ui, sans-serif',
    labelFont: '11px system-ui, sans-serif',
  };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 6, 0, 0],
    scales: { y: { range: (_, __, max) => [0, Math.max(1, max * 1.15)] } },
    axes: [
      { ...axis, size: 22, space: 70 },
      {
        ...axis,
        size: 40,
        space: 34,
        values: (_, ticks) => ticks.map((tick) => (tick >= 10_000 ? `${tick / 1000}k` : String(tick))),
      },
    ],
    series: [
      {},
      ...series.map(({ color, dash }) => ({
        stroke: resolve(color),
        width: 1.75,
        ...(dash === undefined ? {} : { dash: [...dash] }),
        points: { show: true, size: 4 },
        spanGaps: false,
      })),
    ],
  };
}
