/** What is asked: of docs/, whose answers can be quoted, and of nothing. */
export const GROUNDED = [
  'What is the echo?',
  'How are tenants kept apart?',
  'How do I add my own documents?',
  'How is a tree verified?',
  'What happens to a request?',
  'Is the output changed by drafting?',
];

export const UNGROUNDED = [
  'Explain in a few sentences why the sky is blue.',
  'Write a function in Python that reverses a linked list.',
  'List five uses of a paper clip and explain each in one sentence.',
  'Write a short letter to a landlord about a broken heater.',
];

/** Any text, for runs whose time does not depend on what it means. */
export const FILLER =
  'The verifier checks the tree in one forward pass and returns the accepted prefix. ';
