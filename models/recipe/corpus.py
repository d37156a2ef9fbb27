"""The training text: documentation projects cut into sections, and which of them stand beside which in a prompt."""
import glob
import os
import re
from collections import defaultdict

import markdown
from ranking import Ranking

HELD_OUT = ('honojs__website', 'cloudflare__agents')
DEV_SHARE = 0.01
MIN_TOKENS = 25
MAX_HEADING = 90
NEIGHBOURS = 6
# Lists of links and versions: nothing that a question is answered from.
NOT_ASKED = re.compile(r"^(see also|seealso|related|further reading|next steps|resources|contribut|license|changelog|"
                       r"patch changes|minor changes|major changes|table of contents|options inherited|what's next|"
                       r"sponsors|\d+\.\d+|v\d)", re.I)


class Section:
    """blocks: texts; costs: tokens of each block."""
    __slots__ = ('project', 'document', 'title', 'heading', 'blocks', 'costs', 'index')

    def __init__(self, project, document, title, heading, blocks, costs):
        self.project, self.document, self.title, self.heading = project, document, title, heading
        self.blocks, self.costs, self.index = blocks, costs, -1

    def passage(self, budget):
        """The leading blocks that fit into `budget` tokens, at least one -> (blocks, tokens)"""
        total, k = self.costs[0] + 1, 1
        while k < len(self.blocks) and total + self.costs[k] <= budget:
            total += self.costs[k] + 1
            k += 1
        return self.blocks[:k], total


def read_documents(folder):
    """-> [(project, file name, title, cleaned text)] of FOLDER/project/*.md"""
    out = []
    for path in sorted(glob.glob(os.path.join(folder, '*', '*.md*'))):
        project, name = path.split(os.sep)[-2:]
        if 'CHANGELOG' in name.upper():
            continue
        with open(path, encoding='utf-8', errors='replace') as file:
            named, text = markdown.clean(file.read())
        if len(text) >= 80:
            out.append((project, name, markdown.title_of(named, text, name), text))
    return out


def cut_sections(documents, tokenizer):
    found = []
    for project, name, title, text in documents:
        for heading, blocks in markdown.sections(title, text):
            if not NOT_ASKED.match(heading) and len(heading) < MAX_HEADING and re.search('[A-Za-z]{3}', heading):
                found.append((project, name, title or heading, heading, blocks))
    encoded = tokenizer.encode_batch_fast([b for f in found for b in f[4]], add_special_tokens=False)
    costs = iter([len(e.ids) for e in encoded])
    cut = [Section(*f, [next(costs) for _ in f[4]]) for f in found]
    return [s for s in cut if sum(s.costs) >= MIN_TOKENS]


def divide(sections, documents, rng):
    """-> training, dev (some documents of the training projects) and held-out sections"""
    dev = {d[:2] for d in documents if d[0] not in HELD_OUT and rng.random() < DEV_SHARE}
    parts = dict(train=[], dev=[], heldout=[])
    for s in sections:
        part = 'heldout' if s.project in HELD_OUT else 'dev' if (s.project, s.document) in dev else 'train'
        parts[part].append(s)
    return parts


class Library:
    """Sections, each with those that the retriever would put beside it, best first."""

    def __init__(self, sections):
        self.sections, self.by_project = sections, defaultdict(list)
        for s in sections:
            s.index = len(self.by_project[s.project])
            self.by_project[s.project].append(s)
        self.rankings = {project: Ranking((s.title, s.heading, '\n'.join(s.blocks[:4])) for s in own)
                         for project, own in self.by_project.items()}
        self.known = {}

    def neighbours(self, section):
        """Sections of the same project found by this one's heading, without those of the same heading."""
        if section not in self.known:
            own = self.by_project[section.project]
            found = self.rankings[section.project].search(f'{section.title} {section.heading}', NEIGHBOURS + 4)
            seen, out = {section.heading.lower()}, []
            for index in found:
                other = own[index]
                if other.heading.lower() not in seen:
                    seen.add(other.heading.lower())
                    out.append(other)
            self.known[section] = out[:NEIGHBOURS]
        return self.known[section]
