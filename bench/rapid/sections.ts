/** What the recipe's sections are made of: places, people, and sentences with a fact in each. */

export interface Question {
  /** What is asked, without how to answer. */
  asks: string;
  /** What a right answer says: one for a fact, all of a section's where it is to be told whole. */
  answers: readonly string[];
}

type Pick = <T>(list: readonly T[]) => T;

/** A sentence with a blank for its fact, and the question that the fact answers; `*` is the subject. */
interface FactForm {
  says: string;
  asks: string;
  fact: (pick: Pick) => string;
}

export interface Kind {
  noun: string;
  facts: readonly FactForm[];
  /** Sentences that say nothing which is asked for. */
  asides: readonly string[];
}

const FIRST = ['Ada', 'Bruno', 'Clara', 'Dario', 'Elin', 'Felix', 'Greta', 'Hugo', 'Ines', 'Jonas'];
const LAST = ['Holm', 'Varga', 'Brandt', 'Okafor', 'Lindqvist', 'Moreau', 'Tanaka', 'Rossi'];
const COLOURS = ['red', 'green', 'blue', 'yellow', 'black', 'white', 'orange', 'grey', 'purple'];
const DAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];
const GOODS = [
  'rye bread',
  'almond cake',
  'ginger biscuits',
  'plum tart',
  'salt rolls',
  'fig buns',
];
const FRUITS = ['pears', 'quinces', 'cherries', 'apricots', 'medlars', 'walnuts', 'plums'];
const STONES = ['granite', 'slate', 'limestone', 'brick', 'sandstone', 'oak', 'larch'];

const person = (pick: Pick) => `${pick(FIRST)} ${pick(LAST)}`;
const between = (least: number, most: number) => (pick: Pick) =>
  String(least + pick([...Array(most - least + 1).keys()]));

export const KINDS: readonly Kind[] = [
  {
    noun: 'lighthouse',
    facts: [
      {
        says: 'Building ended in _, after two winters of storms.',
        asks: 'In which year did the building of * end?',
        fact: between(1788, 1931),
      },
      {
        says: 'The first keeper was _, who stayed for most of a lifetime.',
        asks: 'Who was the first keeper of *?',
        fact: person,
      },
      {
        says: 'Its tower is painted _, so that ships know it by day.',
        asks: 'Which colour is the tower of *?',
        fact: (pick) => pick(COLOURS),
      },
    ],
    asides: [
      'The path up to it is narrow and is closed when the wind is strong.',
      'Gulls nest on the rocks below, and nobody disturbs them.',
      'On clear evenings people from the village come to watch the lamp being lit.',
    ],
  },
  {
    noun: 'bakery',
    facts: [
      {
        says: 'It is best known for its _, which are gone before noon.',
        asks: 'What is * best known for?',
        fact: (pick) => pick(GOODS),
      },
      {
        says: 'The oven was built by _, a mason from the next valley.',
        asks: 'Who built the oven of *?',
        fact: person,
      },
      {
        says: 'It stays closed on _, when the flour is delivered.',
        asks: 'On which day is * closed?',
        fact: (pick) => pick(DAYS),
      },
    ],
    asides: [
      'The shop has one window and a bench in front of it.',
      'Children are given the broken pieces if they ask politely.',
      'The smell reaches the harbour when the wind comes from the hills.',
    ],
  },
  {
    noun: 'library',
    facts: [
      {
        says: 'Its shelves hold _ books, counted again every spring.',
        asks: 'How many books does * hold?',
        fact: between(1210, 9870),
      },
      {
        says: 'The house was given to the town by _, a retired captain.',
        asks: 'Who gave the house of * to the town?',
        fact: person,
      },
      {
        says: 'Its walls are made of _, which keeps the rooms cool.',
        asks: 'What are the walls of * made of?',
        fact: (pick) => pick(STONES),
      },
    ],
    asides: [
      'Readers may stay until the lamps are put out.',
      'An old map of the bay hangs over the stairs.',
      'Most visitors come for the newspapers and stay for the quiet.',
    ],
  },
  {
    noun: 'orchard',
    facts: [
      {
        says: 'Its oldest trees bear _, and are older than the road.',
        asks: 'What do the oldest trees of * bear?',
        fact: (pick) => pick(FRUITS),
      },
      {
        says: 'There are _ trees in it, in rows that follow the slope.',
        asks: 'How many trees are in *?',
        fact: between(112, 987),
      },
      {
        says: 'The harvest is led by _, who knows each tree by its number.',
        asks: 'Who leads the harvest in *?',
        fact: person,
      },
    ],
    asides: [
      'A stone wall keeps the goats out.',
      'In April the whole hill is white, and painters sit along the fence.',
      'What falls to the ground is pressed for juice.',
    ],
  },
  {
    noun: 'ferry',
    facts: [
      {
        says: 'A crossing takes _ minutes when the sea is calm.',
        asks: 'How many minutes does a crossing with * take?',
        fact: between(18, 94),
      },
      {
        says: 'Its captain is _, who learned the trade on fishing boats.',
        asks: 'Who is the captain of *?',
        fact: person,
      },
      {
        says: 'The funnel is _, with a thin line around it.',
        asks: 'Which colour is the funnel of *?',
        fact: (pick) => pick(COLOURS),
      },
    ],
    asides: [
      'There is room for eight cars, and for as many bicycles as come.',
      'Soup is sold on the lower deck.',
      'In fog a bell is rung at every buoy.',
    ],
  },
];

const BEGINNINGS = 'Marrow Tans Orrin Fell Quill Sander Hather Brem Lorn Pell Wick Dunmar'.split(
  ' ',
);
const ENDINGS = 'by ford mouth haven ness stead wick holm combe garth'.split(' ');

/** Every name once, in an order of its own. */
export function namesOf(random: () => number): string[] {
  const names = BEGINNINGS.flatMap((one) => ENDINGS.map((other) => one + other));
  for (let i = names.length - 1; i > 0; i--) {
    const other = Math.floor(random() * (i + 1));
    [names[i], names[other]] = [names[other]!, names[i]!];
  }
  return names;
}

/** A section about one place of the kind: its facts and its asides take turns. */
export function sectionOf({ noun, facts, asides }: Kind, name: string, pick: Pick) {
  const subject = `the ${name} ${noun}`;
  const first = pick([0, 1, 2]);
  const sentences: string[] = [];
  const questions: Question[] = [];
  for (const [i, { says, asks, fact }] of facts.entries()) {
    const answer = fact(pick);
    const sentence = says.replace('_', answer);
    sentences.push(i === 0 ? `This is ${subject}. ${sentence}` : sentence);
    sentences.push(asides[(first + i) % asides.length]!);
    questions.push({ asks: asks.replace('*', subject), answers: [answer] });
  }
  const text = `## The ${name} ${noun}\n\n${sentences.join(' ')}\n\n`;
  return { subject, text, facts: questions };
}
