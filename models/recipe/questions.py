"""What a user may ask about a section, in many forms, from its title and heading."""
import re

# Headings that begin so are tasks: "Creating a store" is asked for with "How do I create a store?"
TASKS = {'using': 'use', 'creating': 'create', 'adding': 'add', 'writing': 'write', 'running': 'run',
         'building': 'build', 'installing': 'install', 'configuring': 'configure', 'setting': 'set',
         'getting': 'get', 'working': 'work', 'handling': 'handle', 'defining': 'define', 'testing': 'test',
         'passing': 'pass', 'updating': 'update', 'managing': 'manage', 'removing': 'remove',
         'deploying': 'deploy', 'loading': 'load', 'enabling': 'enable', 'customizing': 'customize',
         'debugging': 'debug', 'importing': 'import', 'accessing': 'access', 'migrating': 'migrate',
         'specifying': 'specify', 'declaring': 'declare', 'rendering': 'render', 'fetching': 'fetch',
         'calling': 'call', 'sending': 'send', 'reading': 'read', 'extending': 'extend', 'making': 'make',
         'changing': 'change', 'upgrading': 'upgrade', 'disabling': 'disable', 'validating': 'validate',
         'generating': 'generate', 'returning': 'return', 'starting': 'start', 'storing': 'store'}
VERBS = set(TASKS.values()) | {'choose', 'connect', 'avoid', 'prevent', 'check', 'replace', 'convert', 'split',
                               'publish', 'join', 'open', 'override', 'provide', 'listen', 'move', 'mock'}
SYNONYMS = {'create': 'make', 'remove': 'delete', 'configure': 'set up', 'define': 'declare', 'use': 'work with',
            'install': 'set up', 'options': 'settings', 'add': 'include', 'update': 'change', 'example': 'sample',
            'run': 'execute', 'handle': 'deal with', 'get': 'obtain', 'build': 'make'}
SMALL_WORDS = {'a', 'an', 'the', 'to', 'of', 'in', 'with', 'for', 'and', 'your', 'on', 'from', 'by'}
# Headings that say nothing without the document's title.
GENERIC = {'example', 'examples', 'usage', 'overview', 'introduction', 'options', 'parameters', 'syntax', 'notes',
           'note', 'import', 'basic usage', 'configuration', 'summary', 'description', 'details', 'type', 'reference',
           'installation', 'install', 'api', 'setup', 'methods', 'properties', 'returns', 'caveats', 'synopsis',
           'getting started', 'quick start', 'arguments', 'default', 'how it works', 'rule details', 'output',
           'when not to use it', 'features', 'basic', 'props', 'types', 'basics'}
QUESTION = re.compile(r'.*\?$|(what|how|why|when|where|which|who|can|should|is|are|does?|will)\b', re.I)

CODE_FORMS = ['Show me an example of {}', 'show an example of {}', 'Give me a code example for {}', 'code for {}?',
              'Show the code for {}', 'Can you show me {} in code?', 'example of {}?']
TASK_FORMS = ['How do I {}?'] * 3 + ['How can I {}?', 'how to {}', 'I want to {}.', 'Explain how to {}',
                                     'What is the way to {}?', 'How should I {}?', 'How do you {}?']
THING_FORMS = ['What is {}?'] * 3 + ['Explain {}', 'What are {}?', 'Tell me about {}', 'How does {} work?', '{}?',
                                     'what does {} do?', '{}', 'What should I know about {}?', 'What does {} mean?',
                                     'What do the docs say about {}?', 'Describe {}', 'Why {}?', 'When is {} used?']
TERM_FORMS = ['What is `{}`?', 'What does `{}` do?', 'what is {}', 'Explain `{}`', 'How do I use `{}`?',
              'When should I use {}?', 'Tell me about {}']
HEADING_FORMS = ['What is {}?'] * 3 + ['What is the {}?'] * 2 + [
    'What is a {}?', 'How does {} work?', 'How is {} done?', 'What does {} mean?', 'Why is there {}?',
    'What happens with {}?', 'How are {} handled?', 'When is {} used?', 'Where is {} kept?', 'Is {} needed?']
HEADING_TASK_FORMS = ['How do I {}?'] * 3 + ['How can I {}?', 'When should I {}?', 'Why does it {}?']


def subject(title, heading):
    heading = re.sub(r'^(step\s*)?\d+[.:)]\s*', '', heading, flags=re.I).strip(' :.')
    return f'{title} {heading}'.strip() if heading.lower() in GENERIC and title != heading else heading


def task(words):
    """The words as an infinitive, or None if they name a thing."""
    first = words[0].lower()
    verb = TASKS.get(first) or (first if first in VERBS else None)
    return ' '.join([verb, *words[1:]]) if verb and len(words) > 1 else None


def as_question(heading, rng):
    """A heading turned into a question, as FAQs have them."""
    if QUESTION.match(heading):
        return heading
    words = subject('', heading).split()
    lowered = [w.lower() if re.fullmatch(r'[A-Z]?[a-z]+', w) else w for w in words]
    infinitive = task(lowered)
    form = rng.choice(HEADING_TASK_FORMS if infinitive else HEADING_FORMS)
    return form.format(infinitive or ' '.join(lowered))


def reword(words, rng):
    kept = []
    for word in words:
        lower = word.lower()
        if lower in SMALL_WORDS and rng.random() < 0.25:
            continue
        kept.append(SYNONYMS[lower] if lower in SYNONYMS and rng.random() < 0.12 else word)
    if len(kept) > 3 and rng.random() < 0.12:
        kept.pop(rng.randrange(len(kept)))
    return kept or words


def ask(title, heading, kind, rng):
    """kind: 'text' for prose, 'code' for the example, 'how' for prose with the code after it."""
    about = subject(title, heading)
    asks = bool(QUESTION.match(about))
    words = about.rstrip('?').split()
    verbatim = rng.random() < 0.6
    if not verbatim:
        words = reword([w.lower() if re.fullmatch(r'[A-Z]?[a-z]+', w) else w for w in words], rng)
    if kind == 'code':
        question = rng.choice(CODE_FORMS).format(' '.join(words))
    elif asks:
        question = ' '.join(words) + ('?' if rng.random() < 0.85 else '')
    elif infinitive := task(words):
        question = rng.choice(TASK_FORMS).format(infinitive)
    elif kind == 'how':
        question = rng.choice(TASK_FORMS).format(f'use {" ".join(words)}')
    else:
        question = rng.choice(THING_FORMS).format(' '.join(words))
    if title != heading and rng.random() < 0.12:
        question = question.rstrip('?.') + f' in {title}' + ('?' if question.endswith('?') else '')
    chance = rng.random()
    if chance < 0.15 and not verbatim:
        return question.lower()
    return question[0].upper() + question[1:] if chance > 0.4 else question


def telling_words(text):
    """The words of a subject that a passage about it would have."""
    return {w for w in re.findall(r'[^\W_]+', text.lower()) if len(w) > 3 and w not in SMALL_WORDS}
