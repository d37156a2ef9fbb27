"""Practice against corrupted copies. A small model that has seen a word often writes it where the passage has one
that only begins alike. Words the model can't know, families of them that share a stem, and passages that differ in a
few words only leave it nothing but to copy."""
import re

SYLLABLES = ('ver val stat ur id con fig lo ad spe cul tree node mar kel pol zen ix um ar bel qu or tis en dra fo gal '
             'hem jun kip lat mor nis ost pra rel sum tor uv wex yal zor ac ble cha dis ef gr').split()
WORD = re.compile(r'(?<![A-Za-z_|])[A-Za-z][a-z]{3,}(?![A-Za-z_|])')
# What the prompt itself is made of.
KEPT = set('answer from passages quote them system user assistant start what does mean how when where which why is '
           'are the this that with have'.split())


def invent(rng):
    """A family of made-up identifiers with one stem."""
    def syllables(low, high):
        return ''.join(rng.choice(SYLLABLES) for _ in range(rng.randint(low, high)))
    stem = syllables(1, 3)
    while True:
        end = syllables(1, 2)
        word = rng.choice([stem + end, stem + end.capitalize(), f'{stem}_{end}', stem.capitalize() + end,
                           f'{stem}{end}{rng.randint(0, 99)}', end + stem, stem])
        yield word


def rename(text, rng):
    """Some words of a conversation replaced by made-up ones, everywhere alike."""
    words = [w for w in set(WORD.findall(text)) if w.lower() not in KEPT]
    words.sort()
    family = invent(rng)
    chosen = {w: next(family) for w in rng.sample(words, min(len(words), rng.randint(2, 10)))}
    return WORD.sub(lambda m: chosen.get(m.group(0), m.group(0)), text)


def near_copy(text, rng, share):
    """The text with about `share` of its words replaced by others, at least one."""
    places = [m.span() for m in WORD.finditer(text) if m.group(0).lower() not in KEPT]
    if not places:
        return f'{text} {next(invent(rng))}'
    others = [text[a:b] for a, b in places]
    family = invent(rng)
    for a, b in sorted(rng.sample(places, max(1, round(len(places) * share))), reverse=True):
        word = rng.choice(others) if rng.random() < 0.4 else next(family)
        text = text[:a] + word + text[b:]
    return text
