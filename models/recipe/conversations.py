"""Grounded conversations in the service's prompt form: passages, questions, answers quoted from them."""
import re
from dataclasses import dataclass, field

from lookalikes import near_copy
from questions import QUESTION, TERM_FORMS, as_question, ask, subject, task, telling_words

INSTRUCTION = 'Answer from the passages. Quote them.'
REFUSAL = 'The passages do not say.'
# "How do I", but not "How does".
HOW = re.compile(r'how (do|can|should) |how to ', re.I)
MAX_PARAGRAPH = 160
MAX_CODE = 160
MAX_ANSWER = 220
MAX_TURNS = 4
# Shares of samples, or of questions.
GOLD_FIRST = 0.7
# Tried; about half of these have all their words in the passages and are dropped, so 15 % remain.
UNANSWERABLE = 0.3
UNANSWERABLE_LATER = 0.25
QUESTION_HEADINGS = 0.3
TWIN = 0.12
TERM = 0.1
STRANGER = 0.15


@dataclass
class Passage:
    title: str
    heading: str
    blocks: list
    costs: list

    @property
    def text(self):
        return '\n\n'.join(self.blocks)


@dataclass
class Conversation:
    passages: list
    turns: list = field(default_factory=list)
    gold: int = -1          # place of the passage the first question is about, -1 where none is

    @property
    def system(self):
        return INSTRUCTION + ''.join(f'\n\n[{i + 1}] {p.title} > {p.heading}\n{p.text}'
                                     for i, p in enumerate(self.passages))

    def render(self):
        return f'<|im_start|>system\n{self.system}<|im_end|>\n' + ''.join(
            f'<|im_start|>user\n{q}<|im_end|>\n<|im_start|>assistant\n{a}<|im_end|>\n' for q, a in self.turns)


def is_code(block):
    return block.startswith(('```', '~~~'))


def is_prose(block):
    return not is_code(block) and not block.startswith(('|', '- ', '* ', '1.', '>', '+ ')) and len(block) > 20


def answers(passage):
    """Kind of question -> what is quoted for it. Prose is the first paragraph, or the list or table
    where there is none, with what it introduces."""
    blocks, costs, out = passage.blocks, passage.costs, {}
    lead = next((i for i, b in enumerate(blocks[:2]) if is_prose(b)), None)
    if lead is None and not is_code(blocks[0]):
        lead = 0
    if lead is not None and costs[lead] <= MAX_PARAGRAPH:
        after = lead + 1 if lead + 1 < len(blocks) and costs[lead] + costs[lead + 1] <= MAX_ANSWER else None
        with_next = after and f'{blocks[lead]}\n\n{blocks[after]}'
        introduces = blocks[lead].rstrip().endswith(':')
        out['text'] = with_next if after and introduces else blocks[lead]
        if after and is_code(blocks[after]):
            out['how'] = with_next
    code = next((i for i, b in enumerate(blocks) if is_code(b)), None)
    if code is not None and costs[code] <= MAX_CODE:
        out['code'] = blocks[code]
    return out


class Maker:
    def __init__(self, library, rng):
        self.library, self.rng = library, rng
        self.order, self.at = [s for s in library.sections], 0
        rng.shuffle(self.order)

    def next_section(self):
        if self.at == len(self.order):
            self.rng.shuffle(self.order)
            self.at = 0
        self.at += 1
        return self.order[self.at - 1]

    def make(self, budget, turns=MAX_TURNS, unanswerable=UNANSWERABLE):
        """A conversation of about `budget` tokens, or None where the section drawn gives none."""
        rng = self.rng
        asked = self.next_section()
        absent = rng.random() < unanswerable
        count = rng.choice([2, 3, 3, 3, 3, 4])
        room = budget - 60
        others = self.beside(asked, count if absent else count - 1)
        if absent:
            passages = [self.cut(s, room // count) for s in others]
            gold = -1
        else:
            first = self.cut(asked, room // count if count > 2 else room * 2 // 3)
            passages = [self.cut(s, int(room // count * rng.uniform(0.6, 1))) for s in others]
            if rng.random() < TWIN and passages:
                passages[rng.randrange(len(passages))] = self.twin(first)
            gold = 0 if rng.random() < GOLD_FIRST else rng.randint(0, len(passages))
            passages.insert(gold, first)
        if not passages or sum(sum(p.costs) for p in passages) > room:
            return None
        if rng.random() < QUESTION_HEADINGS:
            for p in passages:
                p.heading = as_question(p.heading, rng)
        if len({p.heading.lower() for p in passages}) < len(passages):
            return None
        made = Conversation(passages, gold=gold)
        left = room - sum(sum(p.costs) + 14 for p in passages)
        # A first question that can't be asked takes the conversation with it: it is what the order stands for.
        if not (self.refuse(made, asked) if absent else self.ask(made, gold)):
            return None
        later = [i for i in range(len(passages)) if i != gold]
        rng.shuffle(later)
        for place in later[:rng.choice([0, 1, 2, 3, 3][:turns + 1]) if turns > 1 else 0]:
            left -= sum(len(part) for part in made.turns[-1]) // 3 + 12
            if left < 0:
                break
            if rng.random() < UNANSWERABLE_LATER:
                self.refuse(made, self.next_section() if rng.random() < 0.5 else rng.choice(
                    self.library.neighbours(asked) or [asked]))
            else:
                self.ask(made, place)
        return made

    def beside(self, section, count):
        """What the retriever finds beside a section, in its order; now and then something from elsewhere."""
        found = list(self.library.neighbours(section))
        while len(found) > count:
            found.pop(self.rng.randrange(len(found)))
        for i in range(len(found)):
            if self.rng.random() < STRANGER:
                found[i] = self.rng.choice(self.library.sections)
        return [s for s in found if s.heading.lower() != section.heading.lower()]

    def cut(self, section, budget):
        blocks, _ = section.passage(max(budget, 25))
        return Passage(section.title, section.heading, list(blocks), section.costs[:len(blocks)])

    def twin(self, passage):
        heading = near_copy(passage.heading, self.rng, 0.4)
        blocks = [near_copy(b, self.rng, 0.15) for b in passage.blocks]
        return Passage(passage.title, heading, blocks, [c + c // 3 for c in passage.costs])

    def ask(self, made, place):
        """Adds a turn about the passage at `place`; False if nothing can be asked about it."""
        rng, passage = self.rng, made.passages[place]
        possible = answers(passage)
        found = self.term(made, place) if rng.random() < TERM else None
        if found:
            question, quoted = found
        elif possible:
            kind = self.kind(passage, possible)
            question, quoted = ask(passage.title, passage.heading, kind, rng), possible[kind]
        else:
            return False
        made.turns.append((question, f'From > {passage.heading}\n{quoted}'))
        return True

    def kind(self, passage, possible):
        """How do I ...? is answered with the prose and the code after it, any other question with prose alone."""
        about = subject(passage.title, passage.heading)
        if QUESTION.match(about):
            fitting = ['how', 'text', 'code'] if HOW.match(about) else ['text', 'how', 'code']
            return next(k for k in fitting if k in possible)
        if 'code' in possible and (len(possible) == 1 or self.rng.random() < 0.25):
            return 'code'
        if 'how' in possible and (task(about.split()) or self.rng.random() < 0.3):
            return 'how'
        return 'text'

    def term(self, made, place):
        """A question about an inline-code term that one later paragraph explains -> (question, paragraph)"""
        passage = made.passages[place]
        for i in range(1, len(passage.blocks)):
            block = passage.blocks[i]
            if not is_prose(block) or not 20 <= passage.costs[i] <= MAX_PARAGRAPH:
                continue
            for name in re.findall(r'`([^`\n]{4,30})`', block)[:2]:
                if sum(b.count(name) for p in made.passages for b in p.blocks) == block.count(name) \
                        and name not in passage.heading:
                    return self.rng.choice(TERM_FORMS).format(name), block
        return None

    def refuse(self, made, section):
        """Adds a question that no passage answers; False if one might."""
        words, system = telling_words(subject(section.title, section.heading)), made.system.lower()
        if not words or all(w in system for w in words) or section.heading.lower() in system:
            return False
        heading = as_question(section.heading, self.rng) if '?' in made.passages[0].heading else section.heading
        made.turns.append((ask(section.title, heading, 'text', self.rng), REFUSAL))
        return True
