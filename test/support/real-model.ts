/**
 * A real model, for what random weights and the bundled model do not show. Its
 * source is a GGUF file or a checkpoint's folder that ESPALIER_TEST_MODEL names;
 * tests that need it are skipped where it is not set. `.ci/run` fetches one.
 */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { addModel } from '../../gpu-backend/builder/add-model.ts';
import type { ModelFolder } from '../../gpu-backend/builder/model-folder.ts';
import type { QuantizationChoice } from '../../gpu-backend/builder/quantization.ts';

export const REAL_MODEL = process.env.ESPALIER_TEST_MODEL || null;
/** The end of a title that is skipped for want of it. */
export const NO_MODEL = REAL_MODEL ? '' : ' (skipped: no model)';

/** Kept from one run of the tests to the next: conversion takes longer than many of them. */
export const REAL_MODEL_CACHE = join(
  process.env.XDG_CACHE_HOME || join(homedir(), '.cache'),
  'espalier-test',
);

/** The model with its matrices stored so, by default as its source has them. Throws where there is none. */
export async function realModel(quantization?: QuantizationChoice): Promise<ModelFolder> {
  if (!REAL_MODEL) throw new Error('ESPALIER_TEST_MODEL names no model');
  return await addModel(REAL_MODEL, {
    cacheFolder: REAL_MODEL_CACHE,
    compute: 'float32',
    quantization,
  });
}
