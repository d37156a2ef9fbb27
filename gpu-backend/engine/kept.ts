/** What was found out about a model on a machine, kept beside its weights for the next start. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { arch, cpus } from 'node:os';
import { ortLibrary } from '../ort/library.ts';

/** Only on Linux. */
const CPU_INFO = '/proc/cpuinfo';
const VECTOR_FLAG = /^(avx|amx|fma|sve|sme\d?$|asimd|i8mm|bf16)/;

/** What a finding holds for: the machine, the library, and how both are used. */
export function machineKey(device: string, threads: number, form: string): string {
  const cpu = `${cpus()[0]?.model} ${instructionSets()}`;
  return `${device} ${threads} ${arch()} ${cpu} ${ortLibrary().version} ${form}`;
}

/** Kernels are chosen by them, and a virtual machine's processor often has no name that tells. */
function instructionSets(): string {
  if (!existsSync(CPU_INFO)) return '';
  const flags = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync(CPU_INFO, 'utf8'))?.[1] ?? '';
  return flags
    .split(' ')
    .filter((flag) => VECTOR_FLAG.test(flag))
    .join(' ');
}

/** What `file` has for this machine, or else what `find` finds, written there. */
export async function kept<Finding>(
  file: string,
  machine: string,
  find: () => Promise<Finding>,
): Promise<Finding> {
  if (existsSync(file)) {
    const known = JSON.parse(readFileSync(file, 'utf8'));
    if (known.machine === machine && 'finding' in known) return known.finding;
  }
  const finding = await find();
  const partial = `${file}.${process.pid}`;
  writeFileSync(partial, JSON.stringify({ machine, finding }));
  renameSync(partial, file);
  return finding;
}
