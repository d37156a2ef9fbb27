/** The requests that this isolate prepares. */
import { workerClock } from '../link/dial.ts';
import { PreparationQueue } from './preparation-queue.ts';

export const preparing = new PreparationQueue(workerClock);
