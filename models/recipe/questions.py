"""What a target is asked, so that it writes what a drafter learns from: chat, code, translation, maths and
knowledge, put together of parts, and tasks about paragraphs of a folder of texts. None of it is a question that
bench/drafters/prompts.ts asks.
"""
import os
import random

TOPICS = (
    'bees', 'bridges', 'bread', 'the moon', 'a garden in spring', 'maps', 'rivers', 'clocks', 'a lost dog',
    'the printing press', 'volcanoes', 'a small shop', 'winter coats', 'chess', 'the human heart', 'trains',
    'solar panels', 'a night in the desert', 'vaccines', 'cheese', 'football', 'glass', 'public parks', 'whales',
    'electric cars', 'the Roman Empire', 'poetry', 'old ships', 'forests', 'sleep', 'money', 'music', 'earthquakes',
    'a first day at school', 'coffee', 'computers', 'a storm at sea', 'insects', 'painting a room', 'the Olympic games',
    'tunnels', 'a neighbour who sings', 'salt', 'photography', 'the Silk Road', 'gravity', 'honey', 'a broken radio',
    'rice', 'lightning', 'postal services', 'dinosaurs', 'a night market', 'wool', 'antibiotics', 'mountain huts',
)
TASKS = (
    'Write a short story about {}.', 'Explain {} to a ten year old.', 'Give me five facts about {}.',
    'Write a short poem about {}.', 'What is important to know about {}?', 'Write an e-mail to a colleague about {}.',
    'List the advantages and disadvantages of {}.', 'How has {} changed over time?', 'Why do people care about {}?',
    'Ask me three questions about {} and answer them.', 'Summarise what is known about {} in a paragraph.',
    'Write a dialogue between two people about {}.', 'Give me a plan for a lesson about {}.',
    'Write a newspaper article about {}.', 'What are common mistakes people make about {}?',
    'Describe {} with all five senses.', 'Give me a title and an outline for an essay about {}.',
)
CODE = (
    'Write a {} function that {}.', 'Show me {} code that {}, and explain it line by line.',
    'How do I write a program in {} that {}?', 'Write a test in {} for a function that {}.',
)
LANGUAGES = ('Python', 'JavaScript', 'TypeScript', 'C', 'Java', 'Go', 'Ruby', 'Rust', 'Bash')
JOBS = (
    'reverses the words of a sentence', 'counts the vowels of a text', 'finds the largest of a list of numbers',
    'reads a file and prints its longest line', 'sorts people by age', 'checks whether a number is prime',
    'merges two sorted lists', 'converts Celsius to Fahrenheit', 'counts how often each word occurs',
    'draws a triangle of stars', 'computes the average of marks', 'makes a random password',
    'flattens a nested list', 'parses a line of comma-separated values', 'rounds prices to two decimals',
    'finds the first character that does not repeat', 'adds two matrices', 'simulates a queue with two stacks',
    'validates a telephone number', 'groups students by class', 'turns a Roman numeral into a number',
)
TONGUES = ('French', 'German', 'Spanish', 'Italian', 'Portuguese', 'Dutch')
WHO = ('My brother', 'The teacher', 'Our neighbour', 'A young doctor', 'The old baker', 'My best friend', 'The captain')
DID = (
    'wants to learn the piano this year', 'forgot the keys in the office', 'is looking for a flat in the city',
    'wrote a long letter to the mayor', 'takes the bus to work every day', 'has never seen the mountains',
    'cooks for the whole family on Sundays', 'would like to buy a new computer', 'lost the tickets on the way',
)
SUMS = (
    'A box has {0} red and {1} blue balls. How many balls are there, and what share is red?',
    'Maria saves {0} dollars a week. How much does she have after {1} weeks?',
    'A car uses {0} litres for {1} kilometres. How much does it use for 100 kilometres?',
    'What is {0} times {1}? Show the steps.', 'What is {0} plus {1} minus 17? Show the steps.',
    'A class of {0} children is divided into groups of {1}. How many groups are there and who is left?',
    'A ticket costs {1} euros and there are {0} visitors. How much money is taken?',
    'John is {1} years old and his father is {0}. In how many years will the father be twice as old?',
    'A garden is {0} metres long and {1} metres wide. How long is the fence around it?',
    'A film of {0} minutes begins at {1} minutes past six. When does it end?',
)
READING = (
    'Summarise this in two sentences.', 'What is this about?', 'List what this says, point by point.',
    'Which sentence here is the most important one? Quote it and say why.', 'Explain this to a beginner.',
    'Quote what this says first and continue from there.', 'Write three questions that this answers, with the answers.',
)
PASSAGE = 300, 1200  # characters
READ_SHARE = 0.25  # of the questions, where there are texts


def passages(folder):
    """Paragraphs of the texts in `folder` that are long enough to be asked about."""
    found = []
    for at, _, names in os.walk(folder):
        for name in sorted(names):
            if name.endswith(('.md', '.txt', '.rst')):
                with open(os.path.join(at, name), encoding='utf8', errors='ignore') as file:
                    found += [p.strip()[:PASSAGE[1]] for p in file.read().split('\n\n') if len(p) >= PASSAGE[0]]
    return found


def questions(text=None):
    """An endless run of questions."""
    pick, pages = random.choice, passages(text) if text else []
    kinds = (
        lambda: pick(TASKS).format(pick(TOPICS)),
        lambda: pick(TASKS).format(pick(TOPICS)),
        lambda: pick(CODE).format(pick(LANGUAGES), pick(JOBS)),
        lambda: f'Translate to {pick(TONGUES)}: {pick(WHO)} {pick(DID)}.',
        lambda: pick(SUMS).format(random.randint(12, 96), random.randint(3, 9)),
    )
    while True:
        if pages and random.random() < READ_SHARE:
            yield f'{pick(pages)}\n\n{pick(READING)}'
        else:
            yield pick(kinds)()
