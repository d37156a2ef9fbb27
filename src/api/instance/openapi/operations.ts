/** Every operation of the API. */
import { chatOperations } from '../../chat/operations.ts';
import { completionsOperations } from '../../completions/operations.ts';
import { embeddingsOperations } from '../../embeddings/operations.ts';
import { filesOperations } from '../../files/operations.ts';
import { responsesOperations } from '../../responses/operations.ts';
import { vectorStoresOperations } from '../../vector-stores/operations.ts';
import { instanceOperations } from '../operations.ts';
import type { Operation } from './operation.ts';

export const OPERATIONS: readonly Operation[] = [
  ...chatOperations,
  ...responsesOperations,
  ...completionsOperations,
  ...embeddingsOperations,
  ...filesOperations,
  ...vectorStoresOperations,
  ...instanceOperations,
];
