/**
 * llama.cpp over a GGUF file, as node-llama-cpp packages it, in a process of its
 * own. It is no dependency: the first use installs it, with its prebuilt library
 * for this machine's CPU, into a folder of the cache.
 */
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { arch, platform } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../../local/root.ts';
import type { Run } from './run.ts';

const VERSION = '3.22.1';
const FOLDER = join(ROOT, '.espalier/node-llama-cpp', VERSION);
const PREBUILT: Record<string, string> = {
  'linux-x64': 'linux-x64',
  'linux-arm64': 'linux-arm64',
  'darwin-x64': 'mac-x64',
  'darwin-arm64': 'mac-arm64-metal',
  'win32-x64': 'win-x64',
  'win32-arm64': 'win-arm64',
};

/** Asks for one run. */
export interface LlamaRequest {
  prompt: readonly number[];
  /** The most tokens to write. */
  maxTokens: number;
  /** Go on where an answer would end. */
  ignoreEnd: boolean;
}

export type LlamaReply = { ready: true } | { run: Run } | { error: string };

export class LlamaProcess {
  private readonly child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.child = child;
  }

  /** Installs what is missing, loads `model`, resolves when it answers. @param context tokens */
  static async start(model: string, threads: number, context: number): Promise<LlamaProcess> {
    install();
    const library = join(FOLDER, 'node_modules/node-llama-cpp/dist/index.js');
    const child = fork(
      join(ROOT, 'bench/real/llama-child.ts'),
      [library, model, String(threads), String(context)],
      { execArgv: ['--import', 'tsx'] },
    );
    const llama = new LlamaProcess(child);
    await llama.reply();
    return llama;
  }

  async run(request: LlamaRequest): Promise<Run> {
    this.child.send(request);
    const reply = await this.reply();
    if (!('run' in reply)) throw new Error('llama.cpp gave no run');
    return reply.run;
  }

  stop(): void {
    this.child.kill();
  }

  private async reply(): Promise<LlamaReply> {
    const reply = await new Promise<LlamaReply>((resolve, reject) => {
      const ended = (code: number | null) => reject(new Error(`llama.cpp ended with ${code}`));
      this.child.once('exit', ended);
      this.child.once('message', (message) => {
        this.child.off('exit', ended);
        resolve(message as LlamaReply);
      });
    });
    if ('error' in reply) throw new Error(`llama.cpp: ${reply.error}`);
    return reply;
  }
}

/** Without install scripts and without the libraries for GPUs, which are optional packages too. */
function install(): void {
  if (existsSync(join(FOLDER, 'node_modules/node-llama-cpp/package.json'))) return;
  const machine = `${platform()}-${arch()}`;
  const prebuilt = PREBUILT[machine];
  if (!prebuilt) throw new Error(`node-llama-cpp has no library for ${machine}`);
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, 'package.json'), '{ "private": true }\n');
  const packages = [`node-llama-cpp@${VERSION}`, `@node-llama-cpp/${prebuilt}@${VERSION}`];
  const options = ['--ignore-scripts', '--omit=optional', '--no-audit', '--no-fund', '--silent'];
  execFileSync('npm', ['install', ...options, ...packages], {
    cwd: FOLDER,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: platform() === 'win32',
  });
}
