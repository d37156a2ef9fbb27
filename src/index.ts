import { app } from './app.ts';

export { Ingestor } from './retrieve/ingestor.ts';

export default app;
