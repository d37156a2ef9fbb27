/** Questions with known answers: small made-up notes, each with a fact that is asked for. */
import { Noise } from '../../src/draft/noise.ts';

export interface Fact {
  /** What the model is asked. */
  prompt: string;
  /** A right answer has these words. */
  answer: string;
}

const NAMES = ['Anna', 'Omar', 'Lucy', 'Pedro', 'Mina', 'Jack', 'Sofia', 'Ivan', 'Grace', 'Felix'];
const CITIES = ['Lisbon', 'Oslo', 'Madrid', 'Vienna', 'Dublin', 'Prague', 'Athens', 'Rome'];
const JOBS = ['baker', 'teacher', 'nurse', 'farmer', 'painter', 'driver', 'lawyer', 'cook'];
const THINGS = ['lamp', 'chair', 'clock', 'basket', 'kettle', 'mirror', 'carpet', 'vase'];
const COLOURS = ['red', 'green', 'blue', 'yellow', 'black', 'white', 'brown', 'grey'];
const DAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

type Pick = <T>(list: readonly T[]) => T;

/** A sentence and the question that it answers. */
const KINDS: ((pick: Pick) => { says: string; asks: string; answer: string })[] = [
  (pick) => {
    const [name, answer] = [pick(NAMES), pick(CITIES)];
    return { says: `${name} lives in ${answer}.`, asks: `Where does ${name} live?`, answer };
  },
  (pick) => {
    const [name, answer] = [pick(NAMES), pick(JOBS)];
    return { says: `${name} works as a ${answer}.`, asks: `What is the job of ${name}?`, answer };
  },
  (pick) => {
    const [thing, answer] = [pick(THINGS), pick(COLOURS)];
    const asks = `What colour is the ${thing}?`;
    return { says: `The ${thing} in the hall is ${answer}.`, asks, answer };
  },
  (pick) => {
    const [name, answer] = [pick(NAMES), pick(DAYS)];
    const asks = `On which day does ${name} come?`;
    return { says: `${name} comes to visit on ${answer}.`, asks, answer };
  },
  (pick) => {
    const [thing, price] = [pick(THINGS), String(10 + pick([...Array(80).keys()]))];
    const asks = `How many dollars does the ${thing} cost?`;
    return { says: `The ${thing} costs ${price} dollars.`, asks, answer: price };
  },
];

/** `count` of them; the same for the same seed. Others of other seeds. */
export function facts(count: number, seed: number): Fact[] {
  const noise = new Noise([seed, 77]);
  return Array.from({ length: count }, (_, i) => {
    noise.at(i);
    let drawn = 0;
    const pick: Pick = (list) => list[Math.floor(noise.uniform(drawn++) * list.length)]!;
    const all = KINDS.map((kind) => kind(pick));
    const { asks, answer } = pick(all);
    const note = all.map(({ says }) => says).join(' ');
    return { prompt: `${note}\n\nAnswer in one sentence: ${asks}`, answer };
  });
}

export function isRight(text: string, { answer }: Fact): boolean {
  return new RegExp(`\\b${answer}\\b`, 'i').test(text);
}
