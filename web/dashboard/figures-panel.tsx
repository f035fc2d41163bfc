/** Throughput, latency, batch size and log size over the last minutes, counted from the streams. */
import type { VNode } from 'preact';
import { Chart } from '../components/chart.tsx';
import type { Sample } from '../model/figures.ts';

const orNull = (value: number | undefined): number | null => value ?? null;

export function FiguresPanel({ samples }: { samples: readonly Sample[] }): VNode {
  const times = samples.map(({ atS }) => atS);
  return (
    <div class="charts">
      <Chart
        title="Throughput"
        unit="requests/s"
        times={times}
        series={[
          {
            label: 'executed',
            color: '--phase-reply',
            values: samples.map(({ requestsPerSecond }) => requestsPerSecond),
          },
        ]}
      />
      <Chart
        title="Latency in the cluster"
        unit="ms"
        times={times}
        series={[
          { label: 'p50', color: '--phase-request', values: samples.map(({ p50Ms }) => orNull(p50Ms)) },
          {
            label: 'p95',
            color: '--phase-pre-prepare',
            dash: [6, 3],
            values: samples.map(({ p95Ms }) => orNull(p95Ms)),
          },
          { label: 'p99', color: '--phase-commit', dash: [2, 3], values: samples.map(({ p99Ms }) => orNull(p99Ms)) },
        ]}
      />
      <Chart
        title="Batch size"
        unit="requests"
        times={times}
        series={[
          { label: 'average', color: '--phase-prepare', values: samples.map(({ batchSize }) => orNull(batchSize)) },
        ]}
      />
      <Chart
        title="Log above the stable checkpoint"
        unit="slots"
        times={times}
        series={[{ label: 'widest', color: '--phase-checkpoint', values: samples.map(({ logSlots }) => logSlots) }]}
      />
    </div>
  );
}
