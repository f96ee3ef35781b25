"""What the delivered model goes by, column by column."""

from __future__ import annotations

from typing import Any

from medgraft.report import words
from medgraft.report.plots import Row, forest
from medgraft.report.sections.registry import section
from medgraft.report.view import View

_UNITS = {
    "log-odds": "log-odds",
    "score": "scores before the softmax",
    "chance": "probability",
    "value": "units of the label",
}


@section("explanation")
def explanation(view: View) -> dict[str, Any] | None:
    """Return a plot of the columns that add most to predictions, or why there is none; None if unknown."""
    found = view.data.get("explanation")
    if not found:
        return None
    if found.get("note") or not found.get("columns"):
        return {"note": str(found.get("note") or ""), "plot": None, "sentence": "", "figures": found}
    unit = _UNITS.get(str(found["unit"]), str(found["unit"]))
    places = words.decimals("mae", [c["size"] for c in found["columns"]])
    rows = []
    for c in found["columns"]:
        lo, hi = max(0.0, c["size"] - c["half"]), c["size"] + c["half"]
        text = f"{words.number(c['size'], places)}  ({words.span((lo, hi), places)})"
        rows.append(Row(c["name"], c["size"], lo, hi, text, "arm"))
    about = f" towards “{found['target']}”" if found.get("target") else ""
    more = f" {found['more']} columns that add less are not shown." if found.get("more") else ""
    spoken = "; ".join(f"{r.name}: {r.text}" for r in rows)
    plot = forest(
        "explanation",
        f"What columns add to predictions on average, in {unit}. {spoken}.",
        rows,
        xlabel=f"Mean size of what it adds, in {unit}",
        reference=None,
        reference_label="",
    )
    said = (
        f"What each column adds{about}, over {words.plural(int(found['patients']), 'tested patient')}.{more}"
    )
    return {"note": "", "plot": plot, "sentence": said, "figures": found}
