"""The known word nearest to one that is not known, by edit distance.

It only proposes; whether to show the proposal is the caller's choice.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["distance", "nearest"]


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate nearest to `word`, or None when none is near.

    Near means at most a third of the longer word changed, at least one edit; ties go to the
    first in alphabetical order. Case counts half: `Webhook` finds `webhook` at once.
    """
    best: tuple[int, str] | None = None
    folded = word.casefold()
    for candidate in sorted(set(candidates)):
        if candidate == word:
            continue
        limit = max(1, max(len(word), len(candidate)) // 3)
        if best is not None:
            limit = min(limit, best[0] - 1)
        found = distance(folded, candidate.casefold(), limit)
        if found <= limit:
            best = found, candidate
            if found == 0:
                break
    return None if best is None else best[1]


def distance(a: str, b: str, limit: int) -> int:
    """Return the number of edits from `a` to `b` (insert, delete, replace, swap of neighbours).

    Stops counting above `limit` and returns `limit + 1`. This is the optimal string alignment
    distance (Damerau 1964 with adjacent swaps only), one row of the table at a time.
    """
    if abs(len(a) - len(b)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        new = [i]
        for j, y in enumerate(b, 1):
            cost = min(row[j] + 1, new[j - 1] + 1, row[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, before[j - 2] + 1)
            new.append(cost)
        if min(new) > limit:
            return limit + 1
        before, row = row, new
    return min(row[-1], limit + 1)
