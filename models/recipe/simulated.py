"""How quick a chain of drafts is beside a target of 8B on an H100: the machine of bench/drafters/simulated.ts."""

STEP_MS, ROW_MS = 7.5, 0.02  # of the target, and of each row that it verifies
PASS_MS = 0.4  # of what drafts, beside its weights


def pass_ms(share):
    """Of a pass that takes `share` of the target's time."""
    return PASS_MS + STEP_MS * share


def speed(mat, rows, passes_ms):
    """Times plain decoding, with `mat` tokens a step of `rows` rows, after passes of so long."""
    return mat * (STEP_MS + ROW_MS) / (STEP_MS + ROW_MS * rows + passes_ms)
