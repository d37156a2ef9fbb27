/** Memory of processes with their descendants, from /proc: the worker's runtime is one of them. */
import { readdirSync, readFileSync } from 'node:fs';

const EVERY_MS = 200;

/** Watches until `stop`, which gives the most bytes resident at one time. 0 where there is no /proc. */
export function watchMemory(): { stop(): number } {
  let peak = 0;
  const timer = setInterval(() => {
    const own = process.memoryUsage.rss();
    peak = Math.max(peak, residentBytes(process.pid) - own);
  }, EVERY_MS);
  return {
    stop() {
      clearInterval(timer);
      return peak;
    },
  };
}

/** Of the process and all that descend from it; 0 where there is no /proc. */
export function residentBytes(root: number): number {
  const processes = new Map<number, { parent: number; bytes: number }>();
  for (const id of listProcesses()) {
    const status = readStatus(id);
    if (status) processes.set(id, status);
  }
  let total = 0;
  for (const [id, { bytes }] of processes) if (isWithin(root, id, processes)) total += bytes;
  return total;
}

function isWithin(
  root: number,
  id: number,
  processes: ReadonlyMap<number, { parent: number }>,
): boolean {
  for (let at: number | undefined = id; at !== undefined; at = processes.get(at)?.parent) {
    if (at === root) return true;
  }
  return false;
}

function listProcesses(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

/** Undefined for a process that has ended meanwhile. */
function readStatus(id: number) {
  try {
    const text = readFileSync(`/proc/${id}/status`, 'utf8');
    const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1]);
    return { parent: field('PPid'), bytes: (field('VmRSS') || 0) * 1024 };
  } catch {
    return undefined;
  }
}
