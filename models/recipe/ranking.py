"""Passages by bm25, as the service ranks them: FTS5 with the weights of `src/retrieve/search.ts` and the terms of
`src/retrieve/query.ts`."""
import re
import sqlite3

WEIGHTS = '2.0, 4.0, 1.0'
STOP_WORDS = set('''a an and are as at be been but by can could did do does for from had has have how i if in into
is it its me my no not of on or our should so some such than that the their them then there these they this those to
us was we were what when where which while who why will with would you your'''.split())


def terms(text):
    words = list(dict.fromkeys(re.findall(r'[^\W_]+', text.lower())))
    return [w for w in words if w not in STOP_WORDS] or words


class Ranking:
    def __init__(self, passages):
        """passages: (title, heading, text) each; found again by their place."""
        self.db = sqlite3.connect(':memory:')
        self.db.execute('CREATE VIRTUAL TABLE passages USING fts5(title, heading, text)')
        self.db.executemany('INSERT INTO passages(rowid, title, heading, text) VALUES (?, ?, ?, ?)',
                            ((i, *p) for i, p in enumerate(passages)))

    def search(self, query, k):
        """-> places of the best k passages, best first"""
        match = ' OR '.join(f'"{w}"' for w in terms(query))
        if not match:
            return []
        rows = self.db.execute('SELECT rowid FROM passages WHERE passages MATCH ? '
                               f'ORDER BY bm25(passages, {WEIGHTS}), rowid LIMIT ?', (match, k))
        return [r[0] for r in rows]
