/** What `bench:drafters` asks: free text of the kinds that Spec-Bench has, and questions whose passage is in the prompt. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../local/root.ts';

/** No passage holds the answer. */
export const UNGROUNDED: readonly string[] = [
  // chat
  'Tell me a story about a lighthouse keeper and a whale.',
  'How does a bicycle stay upright while it moves?',
  'Write a letter to a friend about a week by the sea.',
  'Explain why leaves change their colour in autumn.',
  'What makes a good cup of tea? Give me steps.',
  'Describe a market in the morning.',
  'Compose a travel blog post about a trip to Lisbon.',
  'What are three ways to save water at home?',
  'Write a short speech for the opening of a school library.',
  'Explain the difference between a virus and a bacterium.',
  // code
  'Write a Python function that returns the n-th Fibonacci number.',
  'Write a JavaScript function that removes duplicates from an array.',
  'Write a C program that reads ten integers and prints their sum.',
  'Implement binary search in Python with comments.',
  'Write an SQL query that counts orders by customer, largest first.',
  'Write a Python class for a bank account with deposit and withdraw.',
  'Write an HTML page with a form that asks for name and e-mail.',
  'Write a function in Java that checks whether a string is a palindrome.',
  // translation
  'Translate to French: The train leaves at eight and arrives before noon.',
  'Translate to German: My sister has bought a small house near the river.',
  'Translate to Spanish: We will meet at the station and walk to the museum.',
  'Translate to English: Le chat dort sur la chaise près de la fenêtre.',
  // maths
  'A shop sells pens at 3 dollars and books at 7 dollars. Anna buys 4 pens and 2 books. How much does she pay? Think step by step.',
  'A train travels 60 km in 45 minutes. What is its speed in km per hour? Explain.',
  'Tom has twice as many apples as Lisa. Together they have 36. How many has each?',
  'A rectangle is 8 cm long and 5 cm wide. What are its area and perimeter?',
  'If 5 workers paint a wall in 6 hours, how long do 3 workers take?',
  'What is 15 percent of 240? Show your work.',
  // knowledge
  'Summarise the story of Romeo and Juliet in five sentences.',
  'List ten animals that live in the desert and one fact about each.',
  'What happened during the French Revolution?',
  'Who was Marie Curie and why is she famous?',
  'Give me a recipe for vegetable soup.',
  'Write a poem about winter with four stanzas.',
  'What are the pros and cons of working from home?',
  'Explain how a refrigerator works to a child.',
  'Plan a three day visit to Rome.',
  'Write a product description for a wooden desk lamp.',
  'What should I pack for a hike in the mountains?',
  'Explain what photosynthesis is and why it matters.',
];

/** `count` of those, evenly, so that each kind has its part. */
export function ungrounded(count: number): string[] {
  const share = Math.min(1, count / UNGROUNDED.length);
  return UNGROUNDED.filter((_, i) => Math.floor((i + 1) * share) > Math.floor(i * share));
}

/** Characters of a passage at most. */
const PASSAGE = 1_200;

/** The first `count` questions over docs/, each behind the paragraph that answers it. */
export function grounded(count: number): string[] {
  const rows = readFileSync(join(ROOT, 'bench/data/docs-questions.tsv'), 'utf8').split('\n');
  return rows.slice(1, 1 + count).map((row) => {
    const [file = '', quote = '', question = ''] = row.split('\t');
    const paragraphs = readFileSync(join(ROOT, 'docs', file), 'utf8').split('\n');
    const passage = paragraphs.find((paragraph) => paragraph.includes(quote)) ?? quote;
    return `${passage.slice(0, PASSAGE)}\n\nQuote from this to answer: ${question}`;
  });
}
