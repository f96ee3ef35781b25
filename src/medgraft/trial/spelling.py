"""How an arm is written: what separates its parts, and what does not within quotes or brackets."""

from __future__ import annotations

import re

_STEP = re.compile(r"\+(?=\s*[A-Za-z])")


def split_steps(spec: str) -> list[str]:
    """Return the method and each step or learner after a plus.

    A letter follows the plus of a step; that of a number such as 1e+3 has a digit after it.

    Examples
    --------
    >>> split_steps('ulsif:sigma=1e+3+svm:C=2')
    ['ulsif:sigma=1e+3', 'svm:C=2']
    >>> split_steps('stacking:members="pooled+svm|coral"')
    ['stacking:members="pooled+svm|coral"']
    """
    return _split(spec, _STEP)


def split_settings(text: str) -> list[str]:
    """Return each setting between commas.

    Examples
    --------
    >>> split_settings("lr=log(1e-5,1e-2), epochs=5")
    ['lr=log(1e-5,1e-2)', 'epochs=5']
    """
    return [part.strip() for part in _split(text, re.compile(",")) if part.strip()]


def _split(text: str, separator: re.Pattern[str]) -> list[str]:
    parts, start, depth, quoted = [], 0, 0, False
    for at, letter in enumerate(text):
        if letter == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
        elif depth <= 0 and separator.match(text, at):
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]
