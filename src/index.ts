import { app } from './app.ts';

export { StoreCorpus } from './generate/memory/store-corpus.ts';
export { TenantMemory } from './generate/memory/tenant-memory.ts';
export { Ingestor } from './retrieve/ingestor.ts';
export { StoreVectors } from './retrieve/vectors/store-vectors.ts';
export { Limiter } from './store/limiter.ts';
export { Metrics } from './store/metrics.ts';

export default app;
