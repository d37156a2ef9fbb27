/**
 * Builds the CUDA runtime without a device: one library for each that the provider asks for,
 * with every symbol that it asks for. The C files beside this one say what matters; the rest
 * answers success.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const HERE = import.meta.dirname;
const RUNTIME = /^libcudart\.so/;
const DRIVER = 'libcuda.so.1';
const SOURCES = {
  runtime: ['trace.c', 'memory.c', 'device.c', 'kernels.c', 'capture.c', 'replay.c'],
  cublas: ['cublas.c'],
};
const FILES = ['build.ts', 'fake.h', ...SOURCES.runtime, ...SOURCES.cublas];
const NM_BYTES = 2 ** 26;
const DIGEST_DIGITS = 12;

/**
 * The folder of libraries for `provider`, built under `cache` unless they are there.
 * `headers` holds cuda_runtime_api.h. Throws where nm or gcc fail, with their text.
 */
export function buildFakeCuda(provider: string, headers: string, cache: string): string {
  const digest = createHash('sha256');
  for (const file of FILES) digest.update(readFileSync(join(HERE, file)));
  const folder = join(cache, `fake-${digest.digest('hex').slice(0, DIGEST_DIGITS)}`);
  if (existsSync(folder)) return folder;
  const partial = `${folder}.${process.pid}`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  const libraries = [...wantedSymbols(provider)];
  // The others record through the runtime's trace: it comes first.
  libraries.sort(([a], [b]) => Number(RUNTIME.test(b)) - Number(RUNTIME.test(a)));
  const runtime = libraries[0]![0];
  for (const [library, symbols] of libraries) {
    compile(library, symbols, { runtime, headers, folder: partial });
  }
  renameSync(partial, folder);
  return folder;
}

/** CUDA's libraries that `provider` is linked to, and what of each it leaves undefined. */
function wantedSymbols(provider: string): Map<string, Set<string>> {
  const dynamic = execFileSync('readelf', ['--dynamic', '--wide', provider], { encoding: 'utf8' });
  const linked = [...dynamic.matchAll(/\(NEEDED\).*\[(libcu.+)\]/g)].map(([, name]) => name!);
  const wanted = new Map(linked.map((name) => [name, new Set<string>()]));
  const listed = execFileSync(
    'nm',
    ['--dynamic', '--undefined-only', '--with-symbol-versions', provider],
    { encoding: 'utf8', maxBuffer: NM_BYTES },
  );
  for (const [, symbol, version] of listed.matchAll(/^ +[Uw] (\w+)(?:@(\S+))?$/gm)) {
    // A CUDA library versions its symbols by its own name; the driver does not version them.
    const unversioned = !version && symbol!.startsWith('cu') ? DRIVER : '';
    wanted.get(version ?? unversioned)?.add(symbol!);
  }
  return wanted;
}

interface BuildFolders {
  runtime: string;
  headers: string;
  folder: string;
}

/** Weak definitions for everything; those in the C files take their place. */
function compile(
  library: string,
  symbols: Set<string>,
  { runtime, headers, folder }: BuildFolders,
): void {
  const own = RUNTIME.test(library)
    ? SOURCES.runtime
    : library.startsWith('libcublas')
      ? SOURCES.cublas
      : [];
  const rest = join(folder, `${library}.c`);
  const versions = join(folder, `${library}.map`);
  const bodies = [...symbols].map(
    (name) =>
      `__attribute__((weak)) int ${name}() { fake_cuda_trace("call ${name}"); return 0; }\n`,
  );
  writeFileSync(rest, `extern void fake_cuda_trace(const char *, ...);\n${bodies.join('')}`);
  writeFileSync(versions, `${library} { global: *; };\n`);
  const onRuntime = ['-L', folder, `-l:${runtime}`, '-Wl,-rpath,$ORIGIN', '-Wl,--no-as-needed'];
  execFileSync('gcc', [
    ...['-shared', '-fPIC', '-O1', '-w', '-I', headers],
    ...own.map((file) => join(HERE, file)),
    rest,
    ...['-o', join(folder, library), `-Wl,-soname,${library}`],
    ...(library === DRIVER ? [] : [`-Wl,--version-script,${versions}`]),
    ...(library === runtime ? [] : onRuntime),
  ]);
  rmSync(rest);
  rmSync(versions);
}
