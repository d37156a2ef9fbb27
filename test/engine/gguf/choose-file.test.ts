/** Which GGUF file of a repository a name means. */
import { expect, it } from 'vitest';
import { chooseGguf } from '../../../gpu-backend/builder/gguf/choose-file.ts';

const PATHS = [
  'README.md',
  'Model-1B-Q4_K_M.gguf',
  'Model-1B-Q4_0.gguf',
  'Model-1B-IQ4_0.gguf',
  'model-1b.Q8_0.gguf',
  'BF16/Model-1B-BF16-00001-of-00002.gguf',
  'BF16/Model-1B-BF16-00002-of-00002.gguf',
  'mmproj-Model-1B-Q8_0.gguf',
  'q5_k_m.gguf',
  'other/Model-2B-Q6_K.gguf',
  'Model-1B-Q6_K.gguf',
];

it.each([
  ['Q4_K_M', 'Model-1B-Q4_K_M.gguf'],
  ['q4_k_m', 'Model-1B-Q4_K_M.gguf'],
  ['Q4_0', 'Model-1B-Q4_0.gguf'],
  ['Q8_0', 'model-1b.Q8_0.gguf'],
  ['Q5_K_M', 'q5_k_m.gguf'],
  ['other/Model-2B-Q6_K.gguf', 'other/Model-2B-Q6_K.gguf'],
])('%s is %s', (wanted, path) => {
  expect(chooseGguf(PATHS, wanted)).toBe(path);
});

it.each([
  ['Q6_K', /2 files fit "Q6_K"; there are other\/Model-2B-Q6_K.gguf, Model-1B-Q6_K.gguf/],
  ['K_M', /no file fits "K_M"; there are Model-1B-Q4_K_M.gguf/],
  ['BF16', /BF16 is split into 2 files, which is not supported/],
  ['model-1b-q4_0.gguf', /no file fits/],
  ['mmproj-Model-1B-Q8_0.gguf', /no file fits/],
])('%s is refused', (wanted, message) => {
  expect(() => chooseGguf(PATHS, wanted)).toThrow(message);
});
