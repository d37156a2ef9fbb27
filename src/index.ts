import { app } from './app.ts';

export { Ingestor } from './retrieve/ingestor.ts';
export { Limiter } from './store/limiter.ts';
export { Metrics } from './store/metrics.ts';

export default app;
