/** What one request costs whom: CPU time within the window over the requests that were answered in it. Pure. */
import type { Figure } from './figures.ts';
import type { LoadReport } from './load-report.ts';
import type { Server } from './system.ts';

type Costs = Partial<Record<Extract<Figure, `${string}_cpu_us`>, number>>;

/** µs for each request: the load itself, the primary, and a backup on the average; nothing where nothing was answered. */
export function cpuCost(
  servers: readonly Pick<Server, 'role'>[],
  { measured, clientCpuUs, serverCpuUs }: Pick<LoadReport, 'measured' | 'clientCpuUs' | 'serverCpuUs'>,
): Costs {
  if (measured === 0) return {};
  const mean = (role: Server['role']): number | undefined => {
    const spent = serverCpuUs.filter((_, index) => servers[index]?.role === role);
    return spent.length === 0 ? undefined : spent.reduce((sum, us) => sum + us, 0) / spent.length / measured;
  };
  const [primary, backup] = [mean('primary'), mean('backup')];
  return {
    client_cpu_us: clientCpuUs / measured,
    ...(primary === undefined ? {} : { primary_cpu_us: primary }),
    ...(backup === undefined ? {} : { backup_cpu_us: backup }),
  };
}
