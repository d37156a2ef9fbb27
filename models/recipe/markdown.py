"""Markdown to sections. `src/retrieve/parse/markdown.ts` cleans in the same way, so that a passage looks to the
model as it did in training: links keep their words, images and tags go, tables are cut short, code stays as it is."""
import re

FENCE = re.compile(r'^\s*(```+|~~~+)')
MAX_TABLE_ROWS = 10
MAX_TABLE_LINE = 400
MAX_TITLE = 60


def clean_inline(line):
    """Markup inside a line. Code spans are stood aside, so that what is in them stays."""
    spans = []

    def stand_aside(match):
        spans.append(match.group(0))
        return f'\0{len(spans) - 1}\0'
    line = re.sub(r'`[^`\n]+`', stand_aside, line)
    line = re.sub(r'!\[[^\]]*\]\([^)]*\)', '', line)
    line = re.sub(r'\[([^\]]+)\]\((?:[^()]|\([^()]*\))*\)', r'\1', line)
    line = re.sub(r'\[([^\]]+)\]\[[^\]]*\]', r'\1', line)
    line = re.sub(r'</?[A-Za-z][^<>\n]*>', '', line)
    line = re.sub(r'\{\{?[%<].*?[%>]\}?\}', '', line)
    line = re.sub(r'\\?\{#[^}]*\}', '', line)
    return re.sub(r'\0(\d+)\0', lambda m: spans[int(m.group(1))], line)


def clean(text):
    """-> (title from the front matter or None, cleaned text)"""
    text = text.replace('\r', '').replace('\0', '').replace('<|', '< |').replace('\ufeff', '').replace('\t', '  ')
    title = None
    front = re.match(r'\s*---\n(.*?)\n---\s*\n', text, re.S)
    if front:
        named = re.search(r'^title:\s*["\']?(.+?)["\']?\s*$', front.group(1), re.M)
        title = named.group(1) if named else None
        text = text[front.end():]
    text = re.sub(r'\{/\*.*?\*/\}', '', text, flags=re.S)
    text = re.sub(r'<!--.*?-->', '', text, flags=re.S)
    out, fence, indent, table_rows, inside_tag = [], None, 0, 0, False
    for line in text.split('\n'):
        opening, bare = FENCE.match(line), line.strip()
        if fence:
            out.append(line[indent:] if line[:indent].strip() == '' else line)
            if opening and bare.startswith(fence) and bare.strip('`~') == '':
                fence = None
            continue
        if opening:
            fence, indent = opening.group(1), len(line) - len(line.lstrip())
            out.append(fence + re.match(r'[A-Za-z+#-]*', bare[len(fence):].strip()).group(0))
            continue
        if inside_tag:
            inside_tag = '>' not in line
            continue
        if re.match(r'</?[A-Za-z][^>]*$', bare):
            inside_tag = True
            continue
        if re.match(r'(import|export)\s|:::|\[TOC\]$|/// |\[[^\]]+\]:\s', bare):
            continue
        table_rows = table_rows + 1 if bare.startswith('|') else 0
        if table_rows > MAX_TABLE_ROWS or (table_rows and len(bare) > MAX_TABLE_LINE):
            continue
        if table_rows:
            line = re.sub(r' {2,}', ' ', re.sub(r'-{4,}', '---', line))
        out.append(clean_inline(line).rstrip())
    if fence:
        out.append(fence)
    return title, re.sub(r'\n{3,}', '\n\n', '\n'.join(out)).strip()


def plain(heading):
    """A heading's words, without marks of emphasis and code."""
    heading = re.sub(r'[`*_]{1,2}(\S.*?)[`*_]{1,2}', r'\1', heading)
    return re.sub(r'\s+', ' ', heading.strip('# ')).strip()


def sections(title, text):
    """Cleaned text -> [(heading, [blocks])]; a block is a paragraph, a list, a table or fenced code."""
    out, heading, blocks, block, fence = [], title, [], [], None

    def end_block():
        if ''.join(block).strip():
            blocks.append('\n'.join(block).strip('\n'))
        block.clear()

    def end_section():
        end_block()
        if blocks:
            out.append((heading, blocks))

    for line in text.split('\n'):
        opening = FENCE.match(line)
        if fence:
            block.append(line)
            if opening and line.strip() == fence:
                fence = None
                end_block()
            continue
        if opening:
            end_block()
            fence = opening.group(1)
            block.append(line)
            continue
        named = re.match(r'#{1,6}\s+(.*)', line)
        if named:
            end_section()
            heading, blocks = plain(named.group(1)), []
        elif line.strip():
            block.append(line)
        else:
            end_block()
    end_section()
    return out


def title_of(named, text, filename):
    """The document's title: its front matter's, its first heading, or the words of its name."""
    first = re.search(r'^#\s+(.+)$', text, re.M)
    words = re.split(r'[~.]', filename)[-2].replace('-', ' ')
    return plain(named or (first.group(1) if first else words))[:MAX_TITLE]
