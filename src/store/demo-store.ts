/** Name of the store that a chat request searches where it names none. */
export const DEMO_STORE = 'demo';
