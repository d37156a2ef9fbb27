/** Puts an engine's parts together: loads the graphs and lays out the caches. */
import type { AttentionForm } from '../builder/attention-kernel.ts';
import type { DecoderConfig } from '../builder/config.ts';
import type { PreparedModel } from '../builder/prepare.ts';
import { CudaRuntime } from '../ort/cuda-runtime.ts';
import { cpuDevice, type Device } from '../ort/tensor.ts';
import { DecoderGraphs, MAX_OWN_LANES } from './decoder-graphs.ts';
import type { DeviceMemory } from './device-memory.ts';
import { type EngineLimits, MAX_ROWS } from './engine.ts';
import type { EngineParts } from './engine-parts.ts';
import type { EnginePlan } from './engine-plan.ts';
import { HeadsCopier } from './heads-copier.ts';
import { InputArena } from './input-arena.ts';
import { KeptLogits } from './kept-logits.ts';
import { DeviceCopier, HostCopier, type KvCopier } from './kv-copy.ts';
import { KvPool, type KvShape } from './kv-pool.ts';
import { leastRowsOf, WIDTH_STEP } from './lane.ts';
import { outputsOf } from './lane-runner.ts';
import { clearAll, layOut } from './lay-out.ts';
import { mostRowsOf } from './parts.ts';
import { Replays } from './replays.ts';
import { MAX_SHARED_ROWS, packedRowsOf } from './shared-lanes.ts';
import { KvSlot, SlotTable } from './slots.ts';
import { StepOutputs } from './step-outputs.ts';

/**
 * Long enough to fill the cores. Exact attention goes over its scores several times:
 * they should stay in the cache of a core.
 */
const PREFILL_ROWS: Record<AttentionForm, number> = { exact: 128, fused: 256, grouped: 124 };

/** RotaryEmbedding refuses more rows than its tables have, whatever their positions. */
function positionsFor({ buckets, sharedLanes }: EnginePlan): number {
  const slots = buckets.reduce((sum, bucket) => sum + bucket.slots, 0);
  const mostRows = sharedLanes
    ? slots * MAX_SHARED_ROWS + sharedLanes * MAX_ROWS
    : MAX_OWN_LANES * MAX_ROWS;
  return Math.max(mostRows, ...buckets.map(({ capacity }) => capacity));
}

export async function assemble(
  prepared: PreparedModel,
  plan: EnginePlan,
  beside?: DecoderGraphs,
): Promise<EngineParts> {
  const { config } = prepared.model;
  const { compute } = prepared.layout;
  const { shape, request, buckets, attention, sharedLanes, fixedShapes } = plan;
  const options = { ...plan, positions: positionsFor(plan) };
  const graphs = await DecoderGraphs.open(prepared, options, beside);
  const copier = await copierFor(graphs.memory, plan);
  const { pools, slots } = layOut(graphs.device, shape, buckets, request.tail);
  if (graphs.memory) await clearAll(copier, pools, slots);
  const scratch = scratchSlot(graphs.device, shape, copier);
  const arena = new InputArena(compute);
  const results = resultsFor(plan, graphs.device, config.hiddenSize);
  const outputs = outputsOf(results);
  const batchedLanes = sharedLanes !== null;
  const stride = Math.max(...pools.map((pool) => pool.stride));
  const replays = plan.replayed
    ? new Replays(graphs.device, compute, stride, graphs.mostLanes, outputs)
    : null;
  await graphs.start({
    ...results,
    layers: shape.layers,
    compute,
    attention,
    batchedLanes,
    features: plan.features ? config.hiddenSize : 0,
    arena,
    fixedShapes,
    replays,
    scratch,
  });
  return {
    prepared,
    limits: limitsOf(plan, config, slots.length),
    graphs,
    attention,
    pools,
    slots: new SlotTable(slots),
    copier,
    outputs,
    sharedLanes: batchedLanes,
    fixedShapes,
    promptTokens: plan.promptTokens,
    leastRows: leastRowsOf(attention, config, graphs.device.name),
    threads: plan.cuda || plan.webgpu ? 0 : plan.threads,
    topInGraph: plan.top,
    packedRows: packedRowsOf(layerForms(prepared)),
    mostRows: mostRowsOf(attention),
    release: () => {
      copier.release();
      // On a device their memory is that of the weights, which go with the graphs.
      for (const pool of [...pools, scratch.pool]) pool.release();
      for (const output of outputs) output.release();
      replays?.release();
      graphs.close();
      arena.release();
    },
  };
}

function limitsOf(
  { request, buckets, attention, peaks, top, promptTokens }: EnginePlan,
  { vocabSize, hiddenSize }: DecoderConfig,
  slots: number,
): EngineLimits {
  return {
    vocabSize,
    ...(promptTokens && { promptPlaces: promptTokens.length / hiddenSize }),
    maxContext: request.maxContext,
    maxRows: Math.min(MAX_ROWS, buckets[0]!.capacity),
    prefillRows: PREFILL_ROWS[attention],
    slots,
    quickTop: peaks > 0 || top > 0,
    exact: attention === 'exact',
  };
}

/** For lanes that a run leaves over. */
function scratchSlot(device: Device, shape: KvShape, copier: KvCopier): KvSlot {
  const pool = new KvPool(device, shape, 1, WIDTH_STEP);
  copier.clear({ pool, slot: 0, token: 0 }, WIDTH_STEP);
  return new KvSlot(pool, 0, WIDTH_STEP);
}

function resultsFor(plan: EnginePlan, device: Device, hiddenSize: number) {
  const host = device.host ?? cpuDevice();
  return {
    logits: logitsFor(plan, host, device),
    hidden: plan.hiddenOutput ? new StepOutputs('hidden', hiddenSize, host) : null,
    top: plan.top > 0 ? new StepOutputs('top_ids', plan.top, host, 'int64') : null,
    peaks: plan.peaks > 0 ? new StepOutputs('peaks', plan.peaks, host) : null,
  };
}

function logitsFor({ logits, keptLogits, cuda }: EnginePlan, host: Device, device: Device) {
  if (!keptLogits) return new StepOutputs('logits', logits, host);
  try {
    return new KeptLogits(logits, host, device, new CudaRuntime(cuda!.deviceId));
  } catch (error) {
    process.emitWarning(`logits are copied to the host whole: ${(error as Error).message}`);
    return new StepOutputs('logits', logits, host);
  }
}

/** What the matrices of layers are stored as. The head and the table are not multiplied by padding. */
function layerForms({ layout }: PreparedModel): string[] {
  return Object.entries(layout.matrices)
    .filter(([name]) => name.startsWith('model.layers.'))
    .map(([, { form }]) => form);
}

async function copierFor(
  memory: DeviceMemory | null,
  { shape, threads, cuda, webgpu }: EnginePlan,
): Promise<KvCopier> {
  if (shape.heads) return await HeadsCopier.load(shape, { threads, webgpu });
  return memory ? await DeviceCopier.load(shape, memory, { threads, cuda }) : new HostCopier();
}
