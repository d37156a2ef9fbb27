import { app } from './app.ts';

export { StoreCorpus } from './memory/objects/store-corpus.ts';
export { TenantMemory } from './memory/objects/tenant-memory.ts';
export { Limiter } from './meter/limiter.ts';
export { Metrics } from './meter/metrics.ts';
export { Ingestor } from './retrieve/ingestor.ts';
export { StoreVectors } from './retrieve/vectors/store-vectors.ts';

export default app;
