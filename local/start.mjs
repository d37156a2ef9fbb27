/** `npm start`: installs what is missing, then hands over to main.ts. */
import { install } from './install.mjs';

install();
const { register } = await import('tsx/esm/api');
register();
await import('./main.ts');
