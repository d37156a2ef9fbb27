/**
 * What adding and opening a model beyond 2 GB takes in memory: a sharded
 * checkpoint with random weights is made, added by `npx espalier model add`'s own
 * code and opened by the engine, each in a process of its own, and deleted.
 *
 *   npm run bench:large-model [-- --json] [-- --layers 16] [-- --folder /tmp]
 */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { writeSafetensors } from '../gpu-backend/builder/safetensors-writer.ts';
import type { StoredTensor } from '../gpu-backend/builder/stored-tensor.ts';
import { runModelCommand } from '../gpu-backend/cli/model.ts';
import { openEngine } from '../gpu-backend/engine/open.ts';
import { chain } from './engine/setup.ts';

const SELF = fileURLToPath(import.meta.url);
const BUNDLED = fileURLToPath(new URL('../models/target', import.meta.url));
const HIDDEN = 2048;
const INTERMEDIATE = 8192;
const HEADS = 32;
const KV_WIDTH = 512;
const VOCABULARY = 32_768;
const SHARDS = 3;
const PIECE_BYTES = 1 << 24;
const MB = 2 ** 20;

interface Phase {
  seconds: number;
  peakBytes: number;
}

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    layers: { type: 'string', default: '16' },
    folder: { type: 'string', default: tmpdir() },
    phase: { type: 'string' },
  },
});

/** Every matrix of the checkpoint in [out, in] form, and its norms. */
function shapes(layers: number): [string, number[]][] {
  const list: [string, number[]][] = [['model.embed_tokens.weight', [VOCABULARY, HIDDEN]]];
  for (let layer = 0; layer < layers; layer++) {
    const at = `model.layers.${layer}`;
    list.push(
      [`${at}.input_layernorm.weight`, [HIDDEN]],
      [`${at}.post_attention_layernorm.weight`, [HIDDEN]],
      [`${at}.self_attn.q_proj.weight`, [HIDDEN, HIDDEN]],
      [`${at}.self_attn.k_proj.weight`, [KV_WIDTH, HIDDEN]],
      [`${at}.self_attn.v_proj.weight`, [KV_WIDTH, HIDDEN]],
      [`${at}.self_attn.o_proj.weight`, [HIDDEN, HIDDEN]],
      [`${at}.mlp.gate_proj.weight`, [INTERMEDIATE, HIDDEN]],
      [`${at}.mlp.up_proj.weight`, [INTERMEDIATE, HIDDEN]],
      [`${at}.mlp.down_proj.weight`, [HIDDEN, INTERMEDIATE]],
    );
  }
  list.push(['model.norm.weight', [HIDDEN]], ['lm_head.weight', [VOCABULARY, HIDDEN]]);
  return list;
}

/** Writes the checkpoint in bfloat16; returns its bytes and its largest tensor's. */
function makeCheckpoint(folder: string, layers: number) {
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(BUNDLED).filter((file) => file.startsWith('tokenizer'))) {
    copyFileSync(join(BUNDLED, name), join(folder, name));
  }
  const config = {
    architectures: ['LlamaForCausalLM'],
    dtype: 'bfloat16',
    eos_token_id: 0,
    head_dim: HIDDEN / HEADS,
    hidden_size: HIDDEN,
    intermediate_size: INTERMEDIATE,
    max_position_embeddings: 4096,
    num_attention_heads: HEADS,
    num_hidden_layers: layers,
    num_key_value_heads: (KV_WIDTH * HEADS) / HIDDEN,
    rms_norm_eps: 1e-5,
    rope_parameters: { rope_type: 'default', rope_theta: 10_000 },
    tie_word_embeddings: false,
    vocab_size: VOCABULARY,
  };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  const piece = randomPiece();
  const tensors = shapes(layers).map(([name, shape]): StoredTensor => {
    const bytes = shape.reduce((product, n) => product * n, 2);
    return { name, shape, type: 'BF16', bytes, file: '', offset: 0 };
  });
  const perShard = Math.ceil(tensors.length / SHARDS);
  const weight_map: Record<string, string> = {};
  for (let shard = 0; shard < SHARDS; shard++) {
    const file = `model-0000${shard + 1}-of-0000${SHARDS}.safetensors`;
    const own = tensors.slice(shard * perShard, (shard + 1) * perShard);
    for (const { name } of own) weight_map[name] = file;
    writeSafetensors(join(folder, file), own, 'BF16', function* ({ bytes }) {
      for (let at = 0; at < bytes; at += PIECE_BYTES) {
        yield piece.subarray(0, Math.min(PIECE_BYTES, bytes - at));
      }
    });
  }
  writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map }));
  return {
    checkpointBytes: tensors.reduce((sum, { bytes }) => sum + bytes, 0),
    largestBytes: Math.max(...tensors.map(({ bytes }) => bytes)),
  };
}

/** bfloat16 values of both signs with magnitudes of 2^-8 to 2^-7. */
function randomPiece(): Uint8Array {
  const words = new Uint16Array(new Uint8Array(randomBytes(PIECE_BYTES)).buffer);
  for (let i = 0; i < words.length; i++) words[i] = (words[i]! & 0x807f) | 0x3b80;
  return new Uint8Array(words.buffer);
}

/** Runs a phase in a process of its own. */
function measure(phase: string, folder: string): Phase {
  const args = ['--import', 'tsx', SELF, '--phase', phase, '--folder', folder];
  const { status, stdout } = spawnSync(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${phase} failed`);
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Phase;
}

async function runPhase(phase: string, folder: string): Promise<void> {
  const started = performance.now();
  const cacheFolder = join(folder, 'cache');
  if (phase === 'add') {
    const code = await runModelCommand(['add', join(folder, 'large'), '--cache', cacheFolder]);
    if (code !== 0) process.exit(code);
  } else {
    const options = { cacheFolder, slots: 1, maxContext: 512 };
    const engine = await openEngine(join(cacheFolder, 'models/large'), options);
    const slot = engine.acquire(Int32Array.of(1), 128, 'alone')!;
    const row = chain(slot, 8, engine.limits.vocabSize);
    await engine.step([row]);
    if (!row.logits.every(Number.isFinite)) throw new Error('logits are not finite');
    engine.release(slot);
    engine.close();
  }
  const seconds = (performance.now() - started) / 1000;
  console.log(JSON.stringify({ seconds, peakBytes: process.resourceUsage().maxRSS * 1024 }));
}

function main(): void {
  const folder = mkdtempSync(join(values.folder, 'espalier-large-'));
  try {
    const made = makeCheckpoint(join(folder, 'large'), Number(values.layers));
    const results = { ...made, add: measure('add', folder), open: measure('open', folder) };
    if (values.json) return console.log(JSON.stringify(results, null, 1));
    const size = (bytes: number) => `${Math.round(bytes / MB)} MB`;
    const above = results.add.peakBytes - made.largestBytes;
    console.log(`checkpoint in bfloat16: ${size(made.checkpointBytes)} in ${SHARDS} shards`);
    console.log(
      `adding it: at most ${size(results.add.peakBytes)} resident in ${results.add.seconds.toFixed(0)} s, ` +
        `${size(above)} above its largest tensor (goal: at most 1024 MB)`,
    );
    console.log(
      `opening it in float32 and a step of 8 nodes: ${size(results.open.peakBytes)} in ` +
        `${results.open.seconds.toFixed(0)} s, for ${size(2 * made.checkpointBytes)} of weights`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (values.phase) await runPhase(values.phase, values.folder);
else main();
