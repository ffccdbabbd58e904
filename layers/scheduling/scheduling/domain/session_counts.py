"""Changes of the numbers of sessions by type. Each timeline, and the head of each calendar, stores exact numbers."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeVar

from scheduling.domain.session import Session, SessionChange, is_live

K = TypeVar("K")


def count_changes(changes: Iterable[SessionChange], scope: Callable[[Session], K]) -> dict[K, dict[str, int]]:
    """Return the change of the number of sessions, by scope and type, without zeros.

    Args:
        changes: sessions before and after a write.
        scope: a function that returns the scope of a session, such as the owner.
    """
    steps: dict[K, Counter[str]] = {}
    for before, after in changes:
        for session, step in ((before, -1), (after, 1)):
            if session and is_live(session):
                steps.setdefault(scope(session), Counter())[session["type"]] += step
    nonzero = {key: {type: step for type, step in by_type.items() if step} for key, by_type in steps.items()}
    return {key: by_type for key, by_type in nonzero.items() if by_type}
