/**
 * One archive for one run on a machine with an NVIDIA GPU, Linux on x64, Python with PyTorch's CUDA 13
 * libraries, and nothing else: Node, ONNX Runtime, its CUDA provider with the code that the run uses,
 * the engine and `on-device.ts`. What is used is found by making the same run on the fake runtime.
 *
 *   tar xf FILE && ./espalier-cuda/run.sh RESULTS.json
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { ROOT } from '../../../local/root.ts';
import { type CudaLibraries, fakeEnvironment } from '../libraries.ts';
import { slim } from './slim.ts';

/** What may be uploaded to a borrowed machine. */
const ROOM_BYTES = 40e6;
/** Of the GPU, as CUDA counts them: an H100's and an H200's. Each further one would add its own copy of the code. */
const ARCHITECTURE = 90;
const NAME = 'espalier-cuda';
const ENTRY = 'bench/cuda/on-device';
const PACKAGES = ['koffi', '@koromix/koffi-linux-x64', 'protobufjs', '@protobufjs', 'long'];
const NEEDED = /(\.[cm]?js|package\.json|\.node)$/;
const UNNEEDED = /\/(dist|cli|tests?|doc|examples|bench)\/|\.min\.js$|\.d\.ts$/;

export interface Packed {
  bytes: number;
  /** Of the provider's device code. */
  kernels: { containers: number; bytes: number };
  /** What the run on the fake runtime wrote. */
  tried: unknown;
}

/** Writes the archive `file`, tries it on the fake runtime, and throws where it is too large or does not run. */
export function packRun(file: string, libraries: CudaLibraries): Packed {
  const work = mkdtempSync(join(tmpdir(), 'espalier-pack-'));
  try {
    const root = join(work, NAME);
    mkdirSync(root);
    emitProgram(join(root, 'program'));
    for (const name of PACKAGES) copyPackage(name, join(root, 'node_modules', name));
    strippedCopy(process.execPath, join(root, 'node'));
    strippedCopy(libraries.runtime, join(root, basename(libraries.runtime)));
    const shared = 'libonnxruntime_providers_shared.so';
    cpSync(join(libraries.runtime, '..', shared), join(root, shared));
    writeFileSync(join(root, 'run.sh'), runScript(basename(libraries.runtime)));
    chmodSync(join(root, 'run.sh'), 0o755);

    const provider = join(root, basename(libraries.provider));
    cpSync(libraries.provider, provider);
    const trace = join(work, 'trace');
    tryOut(root, fakeEnvironment(libraries, trace), join(work, 'first.json'));
    const { kept, keptBytes } = slimDown(provider, readFileSync(trace, 'utf8'));
    const results = join(work, 'tried.json');
    tryOut(root, fakeEnvironment(libraries, join(work, 'second')), results);

    compress(work, resolve(file));
    const { size } = statSync(file);
    if (size > ROOM_BYTES)
      throw new Error(`the pack has ${size} bytes, at most ${ROOM_BYTES} are allowed`);
    const tried = JSON.parse(readFileSync(results, 'utf8'));
    return { bytes: size, kernels: { containers: kept, bytes: keptBytes }, tried };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The entry and all that it imports, as JavaScript: Node 20 runs no TypeScript. */
function emitProgram(folder: string): void {
  execFileSync(join(ROOT, 'node_modules/.bin/tsc'), [
    ...['--ignoreConfig', '--outDir', folder, '--rootDir', ROOT],
    ...['--target', 'es2023', '--module', 'nodenext', '--rewriteRelativeImportExtensions'],
    ...['--skipLibCheck', '--types', 'node', '--strict', '--noCheck'],
    join(ROOT, `${ENTRY}.ts`),
  ]);
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}\n');
}

function copyPackage(name: string, target: string): void {
  const source = join(ROOT, 'node_modules', name);
  cpSync(source, target, {
    recursive: true,
    dereference: true,
    filter: (path) => {
      if (statSync(path).isDirectory()) return !UNNEEDED.test(`${path.slice(source.length)}/`);
      return NEEDED.test(path) && !UNNEEDED.test(path.slice(source.length));
    },
  });
}

function strippedCopy(source: string, target: string): void {
  cpSync(source, target, { dereference: true });
  execFileSync('strip', ['--strip-all', target]);
  chmodSync(target, 0o755);
}

function slimDown(provider: string, trace: string) {
  const used = new Set<number>();
  for (const [, offset] of trace.matchAll(/^(?:launch|captured|use) .*@(\d+)$/gm))
    used.add(Number(offset));
  if (used.size === 0) throw new Error('the run on the fake runtime used no kernel');
  const file = readFileSync(provider);
  const slimmed = slim(file, ARCHITECTURE, used);
  writeFileSync(provider, file);
  return slimmed;
}

/** The pack's own run, from its own files, with little effort. */
function tryOut(root: string, environment: NodeJS.ProcessEnv, results: string): void {
  const { ESPALIER_ORT: _, ...env } = environment;
  const run = spawnSync(join(root, 'run.sh'), [results, '--try'], {
    env,
    encoding: 'utf8',
    cwd: root,
  });
  const findings: { seconds: number; measurement?: object; faults: string[] }[] = JSON.parse(
    readFileSync(results, 'utf8'),
  ).findings;
  // A runtime without a device computes nothing: logits may be wrong, and every part must come to its end.
  const broken = findings.filter(({ measurement }) => !measurement).flatMap(({ faults }) => faults);
  if (broken.length > 0)
    throw new Error(`the pack does not run: ${broken.join('; ')} ${run.stderr}`);
}

function compress(work: string, file: string): void {
  const tar = join(work, 'pack.tar');
  execFileSync('tar', ['--owner=0', '--group=0', '--sort=name', '-cf', tar, '-C', work, NAME]);
  execFileSync('xz', ['--format=xz', '--x86', '--lzma2=preset=9e,dict=128MiB', '--threads=1', tar]);
  cpSync(`${tar}.xz`, file);
}

function runScript(runtime: string): string {
  return `#!/bin/sh
# ./run.sh RESULTS.json: under eight minutes on one GPU; the results so far are in the file at any time.
here=$(cd "$(dirname "$0")" && pwd)
cuda=$(python3 - 2>/dev/null <<'END'
import glob, importlib.util, os
spec = importlib.util.find_spec('nvidia')
roots = list(spec.submodule_search_locations) if spec else []
names = ('libcublas.so.13', 'libcublasLt.so.13', 'libcurand.so.10', 'libcudart.so.13')
found = (glob.glob(root + '/**/' + name, recursive=True) for root in roots for name in names)
print(':'.join(sorted({os.path.dirname(path) for paths in found for path in paths})))
END
)
export LD_LIBRARY_PATH="\${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$cuda"
export ESPALIER_ORT="$here/${runtime}"
exec "$here/node" "$here/program/${ENTRY}.js" "$@"
`;
}
