/** What the kernel says of a process: the time it has computed, the most memory it has held. Reads /proc and nothing else. */
import { readFileSync } from 'node:fs';

/** Fields of /proc/PID/stat after the name in parentheses: user and system time. */
const USER_TIME = 11;
const SYSTEM_TIME = 12;
/** The kernel tells times to user space in hundredths of a second, whatever it counts in itself. */
const US_PER_TICK = 10_000;
const BYTES_PER_KIB = 1024;

/** User and system time of all threads of a process since it began, µs. Throws when there is no such process. */
export function cpuUs(pid: number): number {
  return parseCpuUs(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

/** The same from the content of /proc/PID/stat. */
export function parseCpuUs(stat: string): number {
  // The name may hold spaces and parentheses; nothing behind the last one does.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[USER_TIME]) + Number(fields[SYSTEM_TIME])) * US_PER_TICK;
}

/** The most memory that a process has held so far, bytes. Throws when there is no such process. */
export function peakRssBytes(pid: number): number {
  const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kibibytes ?? 0) * BYTES_PER_KIB;
}
