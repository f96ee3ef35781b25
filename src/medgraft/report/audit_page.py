"""The page of an audit: what was found, in which rows, and what to do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from medgraft.base import MedgraftError
from medgraft.report import words
from medgraft.report.html import environment, style, write

_LOOKS = {
    "severe": {"kind": "bad", "icon": "▲", "word": "Severe"},
    "warning": {"kind": "open", "icon": "●", "word": "Warning"},
    "note": {"kind": "plain", "icon": "○", "word": "Note"},
}
_NOTHING = {"kind": "good", "icon": "✓", "word": "Nothing found"}
_VERDICTS = {
    "severe": "Mend this before you train: figures from these data would mislead.",
    "warning": "Look at this before you train: figures from these data may mislead.",
    "note": "Nothing stands against training; some things are good to know.",
    None: "Nothing was found that stands against training.",
}
_MOST_ROWS = 40  # sets of rows on the page; audit.json has more


def build_audit(found: dict[str, Any], folder: str | Path) -> Path:
    """Write an audit as one HTML page that needs no other file.

    Parameters
    ----------
    found : dict
        What `Audit.to_dict` gives, or the content of ``audit.json``.
    folder : path
        It is made where it is absent.

    Returns
    -------
    Path
        The page, ``audit.html`` in that folder.

    Raises
    ------
    MedgraftError
        The folder cannot be written to.

    Examples
    --------
    >>> import tempfile
    >>> none = {"parts": [], "worst": None, "counts": {}, "checks": ["row-order"], "findings": []}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     "Nothing was found" in build_audit(none, folder).read_text(encoding="utf-8")
    True
    """
    path = Path(folder) / "audit.html"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise MedgraftError(
            f"'{path}' cannot be written ({e.strerror}): check the folder's permissions."
        ) from None
    write(path, render_audit(found))
    return path


def render_audit(found: dict[str, Any]) -> str:
    """Return the page of an audit."""
    worst = found.get("worst")
    findings = [_finding(k, f) for k, f in enumerate(found["findings"])]
    return (
        environment()
        .get_template("audit.html.j2")
        .render(
            css=style(),
            badge=_LOOKS.get(str(worst), _NOTHING),
            verdict=_VERDICTS.get(worst, _VERDICTS[None]),
            tiles=[(_LOOKS[s]["word"], n) for s, n in (found.get("counts") or {}).items() if s in _LOOKS],
            parts=[(_part(p), words.count(p.get("rows")), str(p.get("kind", ""))) for p in found["parts"]],
            findings=findings,
            checks=found["checks"],
        )
    )


def _part(part: dict[str, Any]) -> str:
    name = part.get("name")
    return f"{part['part']} ({name})" if name else str(part["part"])


def _finding(k: int, finding: dict[str, Any]) -> dict[str, Any]:
    rows = finding.get("rows") or []
    lines = [_line(row) for row in rows[:_MOST_ROWS]]
    columns = list(dict.fromkeys(c for _, figures in lines for c in figures))
    return {
        "id": f"finding-{k + 1}",
        "check": finding["check"],
        "look": _LOOKS[finding["severity"]],
        "sentence": finding["sentence"],
        "advice": finding["advice"],
        "numbers": [(_name(n), words.plain(v)) for n, v in finding["numbers"].items()],
        "columns": [_name(c) for c in columns],
        "lines": [(where, [figures.get(c, "") for c in columns]) for where, figures in lines],
        "more": len(rows) - len(lines),
    }


def _line(row: dict[str, Any]) -> tuple[list[str], dict[str, str]]:
    """Return where a row, or each of a set of rows, is, and the figures of the set."""
    members = row.get("rows") or [row]
    own = ("part", "row", "patient", "file", "rows")
    figures = {n: words.plain(v) for n, v in row.items() if n not in own}
    return [_place(m) for m in members], figures


def _place(row: dict[str, Any]) -> str:
    text = f"{row.get('part', '')} row {row.get('row', '')}"
    if row.get("patient"):
        text += f", patient {row['patient']}"
    return text + (f", {row['file']}" if row.get("file") else "")


def _name(key: str) -> str:
    return re.sub(r"[_\s]+", " ", str(key))
