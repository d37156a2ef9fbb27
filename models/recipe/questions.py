"""What a target is asked, so that it writes what a drafter learns from: chat, knowledge, code, translation and maths,
put together of parts, tasks about paragraphs of a folder of texts, and what it asks itself (own_questions.py). No part
here is of a question that bench/drafters/prompts.ts asks.
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
    'a robot that learns to cook', 'two brothers on a farm', 'a museum at night', 'a fox in the snow', 'lost letters',
    'a dragon who is afraid of fire', 'the internet', 'recycling', 'healthy food', 'climate change', 'black holes',
    'the water cycle', 'evolution', 'democracy', 'inflation', 'artificial intelligence', 'meditation', 'teamwork',
    'public speaking', 'time management', 'a family holiday', 'a new puppy', 'job interviews', 'running', 'yoga',
    'wolves', 'penguins', 'elephants', 'the ocean', 'coral reefs', 'the Sahara', 'planets', 'batteries', 'magnets',
    'aeroplanes', 'the immune system', 'the brain', 'cells', 'atoms', 'languages', 'newspapers', 'libraries',
)
TASKS = (
    'Write a short story about {}.', 'Explain {} to a ten year old.', 'Give me five facts about {}.',
    'Write a short poem about {}.', 'What is important to know about {}?', 'Write an e-mail to a colleague about {}.',
    'List the advantages and disadvantages of {}.', 'How has {} changed over time?', 'Why do people care about {}?',
    'Ask me three questions about {} and answer them.', 'Summarise what is known about {} in a paragraph.',
    'Write a dialogue between two people about {}.', 'Give me a plan for a lesson about {}.',
    'Write a newspaper article about {}.', 'What are common mistakes people make about {}?',
    'Describe {} with all five senses.', 'Give me a title and an outline for an essay about {}.',
    'Tell me about {}.', 'Can you help me write a blog post about {}?', 'Write a song about {} with a chorus.',
    'Write a letter to the editor about {}.', 'Give a speech about {} for a class of students.',
    'What should everyone learn about {}, and why?', 'Explain {} step by step.', 'Imagine a day with {} and describe it.',
    'What are five tips about {} for beginners?', 'Write the beginning of a novel about {}.',
)
PEOPLE = (
    'Albert Einstein', 'Cleopatra', 'Leonardo da Vinci', 'Isaac Newton', 'Ada Lovelace', 'Nelson Mandela',
    'William Shakespeare', 'Mahatma Gandhi', 'Florence Nightingale', 'Charles Darwin', 'Jane Austen', 'Julius Caesar',
    'Frida Kahlo', 'Alan Turing', 'Amelia Earhart', 'Mozart', 'Galileo Galilei', 'Rosa Parks', 'Louis Pasteur',
)
EVENTS = (
    'the American Civil War', 'the Industrial Revolution', 'the fall of the Berlin Wall', 'the first landing on the Moon',
    'the Renaissance', 'the Black Death', 'the Second World War', 'the discovery of penicillin', 'the Cold War',
    'the building of the pyramids', 'the invention of the telephone', 'the Great Depression', 'the Gold Rush',
)
WORKS = (
    'Hamlet', 'Cinderella', 'The Odyssey', 'Pride and Prejudice', 'Frankenstein', 'Robinson Crusoe', 'Moby Dick',
    'Little Red Riding Hood', 'A Christmas Carol', 'Alice in Wonderland', 'Don Quixote', 'The Three Little Pigs',
)
PLACES = (
    'Paris', 'Tokyo', 'New York', 'Barcelona', 'Cairo', 'Istanbul', 'Berlin', 'London', 'Sydney', 'Vienna', 'Athens',
    'Prague', 'San Francisco', 'Bangkok', 'Edinburgh', 'Mexico City',
)
DISHES = (
    'pancakes', 'tomato sauce', 'chicken curry', 'banana bread', 'a green salad', 'lasagna', 'mushroom risotto',
    'apple pie', 'lentil stew', 'fried rice', 'chocolate cookies', 'potato gratin', 'hummus', 'fish tacos',
)
THINGS = (
    'a coffee machine', 'a backpack for students', 'a folding bicycle', 'a pair of headphones', 'a rain jacket',
    'a smart watch', 'a set of kitchen knives', 'a garden chair', 'a water bottle', 'a children\'s book', 'a tent',
)
HOW = (
    'How does {} work?', 'Explain in simple words how {} works.', 'Why do we need {}?', 'What is {} and how is it used?',
)
MACHINES = (
    'a microwave oven', 'a rainbow', 'a telescope', 'the stock market', 'a search engine', 'a steam engine', 'the tide',
    'a camera', 'a thermometer', 'digestion', 'a nuclear power plant', 'a compass', 'an elevator', 'the human eye',
    'a washing machine', 'GPS', 'a volcano', 'fermentation', 'a blockchain', 'a touch screen', 'blood pressure',
)
CHOICES = (
    ('a lake', 'a pond'), ('weather', 'climate'), ('a comet', 'an asteroid'), ('a novel', 'a short story'),
    ('a frog', 'a toad'), ('speed', 'velocity'), ('coffee', 'tea'), ('stocks', 'bonds'), ('RAM', 'a hard drive'),
    ('a list', 'a tuple'), ('a city', 'a town'), ('mitosis', 'meiosis'), ('jam', 'marmalade'), ('a loan', 'a mortgage'),
)
COMPARE = (
    'What is the difference between {0} and {1}?', 'Compare {0} and {1} in a table.', 'Which is better, {0} or {1}, and why?',
)
MOMENTS = (
    'a day at the beach', 'a job interview', 'a long flight', 'a camping weekend', 'a first date', 'a birthday party',
    'a school exam', 'moving house', 'a marathon', 'a wedding', 'a picnic', 'a week of skiing',
)
READY = (
    'What should I bring to {}?', 'How do I prepare for {}?', 'Make a checklist for {}.', 'Write an invitation to {}.',
    'Give me some advice about {}.', 'Write a funny story about {}.',
)
CODE = (
    'Write a {} function that {}.', 'Show me {} code that {}, and explain it line by line.',
    'How do I write a program in {} that {}?', 'Write a test in {} for a function that {}.',
    'Write a {} program that {}, with comments.', 'In {}, write a function that {}. Give an example of its use.',
)
LANGUAGES = ('Python', 'Python', 'Python', 'JavaScript', 'JavaScript', 'TypeScript', 'C', 'Java', 'Go', 'Ruby', 'Rust', 'C++', 'Bash')
JOBS = (
    'reverses the words of a sentence', 'counts the vowels of a text', 'finds the largest of a list of numbers',
    'reads a file and prints its longest line', 'sorts people by age', 'checks whether a number is prime',
    'merges two sorted lists', 'converts Celsius to Fahrenheit', 'counts how often each word occurs',
    'draws a triangle of stars', 'computes the average of marks', 'makes a random password',
    'flattens a nested list', 'parses a line of comma-separated values', 'rounds prices to two decimals',
    'finds the first character that does not repeat', 'adds two matrices', 'simulates a queue with two stacks',
    'validates a telephone number', 'groups students by class', 'turns a Roman numeral into a number',
    'computes the factorial of a number', 'finds the greatest common divisor of two numbers', 'rotates a list by k places',
    'checks whether two words are anagrams', 'implements bubble sort', 'implements a linked list', 'sums the even numbers of a list',
    'inserts a value into a binary tree', 'finds the second smallest number', 'prints the multiplication table',
    'removes spaces from a text', 'counts down from ten', 'guesses a number between one and a hundred',
)
OTHER_CODE = (
    'Write an SQL query that finds the {1} of each {0}.', 'Write an HTML page that shows a list of {0}s and their {1}s.',
    'Write a Python class for a {0} with its {1}.', 'Create an SQL table for {0}s with a {1} and an id.',
    'Write a Java class {0} with a method that changes its {1}.', 'Write CSS for a card that shows a {0} and its {1}.',
    'Write a JSON example of a {0} with a {1}.',
)
RECORDS = ('customer', 'book', 'car', 'student', 'product', 'movie', 'employee', 'recipe', 'ticket', 'player')
FIELDS = ('name', 'price', 'age', 'title', 'date', 'address', 'score', 'colour', 'category')
TONGUES = ('French', 'German', 'Spanish', 'Italian', 'Portuguese', 'Dutch')
WHO = ('My brother', 'The teacher', 'Our neighbour', 'A young doctor', 'The old baker', 'My best friend', 'The captain')
DID = (
    'wants to learn the piano this year', 'forgot the keys in the office', 'is looking for a flat in the city',
    'wrote a long letter to the mayor', 'takes the bus to work every day', 'has never seen the mountains',
    'cooks for the whole family on Sundays', 'would like to buy a new computer', 'lost the tickets on the way',
    'will open a restaurant next month', 'walks along the beach before breakfast', 'is reading a book about birds',
)
FOREIGN = (
    'Les enfants jouent dans le jardin après l\'école.', 'Mi hermana trabaja en un hospital grande.',
    'Das Wetter ist heute sehr schön.', 'Il treno per Milano parte alle sette.', 'Nous avons mangé du pain et du fromage.',
    'Ich habe gestern einen alten Freund getroffen.', 'El perro duerme debajo de la mesa.', 'Où est la gare, s\'il vous plaît ?',
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
    'A pump fills {0} litres in {1} minutes. How long does a pool of 5000 litres take? Think step by step.',
    'Sam has {0} marbles and gives {1} to each of three friends. How many are left?', 'Solve for x: {1}x + 4 = {0}.',
    'How many tiles of {1} cm fit along a wall of {0} metres?', 'The sum of two numbers is {0} and one is {1}. What is the other?',
    'A shirt costs {0} dollars and is {1}0 percent off. What does it cost now?',
    'A baker makes {1} trays of {0} rolls and sells half of them. How many rolls are left? Show your work.',
)
READING = (
    'Summarise this in two sentences.', 'What is this about?', 'List what this says, point by point.',
    'Which sentence here is the most important one? Quote it and say why.', 'Explain this to a beginner.',
    'Quote what this says first and continue from there.', 'Write three questions that this answers, with the answers.',
)
PASSAGE = 300, 1200  # characters
READ_SHARE = 0.25  # of the questions, where there are texts
TRIES = 50  # at a question that was not asked yet


def passages(folder):
    """Paragraphs of the texts in `folder` that are long enough to be asked about."""
    found = []
    for at, _, names in os.walk(folder):
        for name in sorted(names):
            if name.endswith(('.md', '.txt', '.rst')):
                with open(os.path.join(at, name), encoding='utf8', errors='ignore') as file:
                    found += [p.strip()[:PASSAGE[1]] for p in file.read().split('\n\n') if len(p) >= PASSAGE[0]]
    return found


def knowledge():
    """A question whose answer a model either knows or makes up."""
    pick = random.choice
    return pick((
        lambda: pick(('Who was {}?', 'What did {} achieve?', 'Write a short biography of {}.')).format(pick(PEOPLE)),
        lambda: pick(('What happened in {}?', 'What caused {}?', 'Explain why {} mattered.')).format(pick(EVENTS)),
        lambda: pick(('What is {} about?', 'Retell {} in a few sentences.', 'Describe the main characters of {}.')).format(pick(WORKS)),
        lambda: pick(('Plan a weekend in {}.', 'What can I see in {}?', 'Write a travel guide to {}.')).format(pick(PLACES)),
        lambda: pick(('How do I make {}?', 'Write a recipe for {}.', 'What do I need for {}?')).format(pick(DISHES)),
        lambda: pick(('Write an advertisement for {}.', 'Describe {} for an online shop.')).format(pick(THINGS)),
        lambda: pick(HOW).format(pick(MACHINES)),
        lambda: pick(COMPARE).format(*pick(CHOICES)),
        lambda: pick(READY).format(pick(MOMENTS)),
    ))()


def translation():
    if random.random() < 0.3:
        return f'Translate to English: {random.choice(FOREIGN)}'
    return f'Translate to {random.choice(TONGUES)}: {random.choice(WHO)} {random.choice(DID)}.'


def code():
    pick = random.choice
    return pick(OTHER_CODE).format(pick(RECORDS), pick(FIELDS)) if random.random() < 0.25 else pick(CODE).format(pick(LANGUAGES), pick(JOBS))


def task():
    return random.choice(TASKS).format(random.choice(TOPICS))


def maths():
    return random.choice(SUMS).format(random.randint(12, 96), random.randint(3, 9))


# Of so many questions each; the tokens are shared out otherwise, as answers of translations and sums are short.
KINDS = {task: 9, knowledge: 7, code: 5, maths: 4, translation: 3}


def questions(text, own, own_share):
    """An endless run of questions, none of them twice while others are found. Of those that are not about `text`,
    `own_share` are from `own` while it has any."""
    kinds, weights, pages = [*KINDS], [*KINDS.values()], passages(text) if text else []
    made = lambda: random.choices(kinds, weights)[0]()
    asked = set()
    while True:
        # An answer that is both learned and held out would flatter.
        for _ in range(TRIES):
            if pages and random.random() < READ_SHARE:
                question = f'{random.choice(pages)}\n\n{random.choice(READING)}'
            elif random.random() < own_share:
                question = next(own, None) or made()
            else:
                question = made()
            if question not in asked:
                break
        asked.add(question)
        yield question
