"""Markdown folders to sections: (title, heading, sentences), one list a document."""
import re
from pathlib import Path

# Projects that training never sees: the target's held-out ones too.
HELD_OUT = ("honojs__website", "cloudflare__agents")
FENCE = re.compile(r"^(```|~~~)")
HEADING = re.compile(r"^(#{1,4}) +(.+?) *#* *$")
FRONT_TITLE = re.compile(r"^title: *[\"']?(.+?)[\"']? *$", re.M)
MARKUP = re.compile(r"<[^>]{1,200}>|\{#[^}]*\}|!?\[([^\]]*)\]\([^)]*\)|[*`]")
SENTENCE_END = re.compile(r"(?<=[.!?:])\s+|\n{2,}|\n(?=[-*|] )")
# Sections with less say nothing that a question could be about.
LEAST_WORDS = 12


def clean(text):
    return MARKUP.sub(lambda match: match.group(1) or " ", text).strip()


def read_sections(path):
    """The document's sections in order; headings inside fenced code don't count."""
    text = path.read_text("utf8", "replace")
    title = ""
    if text.startswith("---"):
        end = text.find("\n---", 3)
        if end > 0:
            found = FRONT_TITLE.search(text[:end])
            title = found.group(1) if found else ""
            text = text[end + 4 :]
    title = title or path.stem.replace("-", " ").replace("_", " ")
    sections, heading, lines, fenced = [], "", [], False

    def close():
        body = clean("\n".join(lines))
        if len(body.split()) >= LEAST_WORDS:
            sentences = [s.strip() for s in SENTENCE_END.split(body)]
            sections.append((title, heading, [s for s in sentences if s]))

    for line in text.split("\n"):
        if FENCE.match(line.strip()):
            fenced = not fenced
        match = None if fenced else HEADING.match(line)
        if match:
            close()
            lines = []
            heading = clean(match.group(2))
        else:
            lines.append(line)
    close()
    return sections


def read_documents(folder):
    """(training documents, held-out documents), each a list of sections."""
    train, held_out = [], []
    for path in sorted(Path(folder).rglob("*.md*")):
        sections = read_sections(path)
        project = path.relative_to(folder).parts[0]
        if sections:
            (held_out if project in HELD_OUT else train).append(sections)
    return train, held_out
