"""Fill the tables of the documentation from the registries, so that they cannot go stale."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from typing import Any

_DOI = re.compile(r"doi:(10\.\S+?)(?=[,;]?(?:\s|$))")
_ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")

FAMILIES = {
    "control": "Controls: what transfer has to beat",
    "instance": "Instance: choose or weight the source's patients",
    "feature": "Feature: make source and target look alike",
    "model": "Model: start from, or stay near, the source's model",
    "finetune": "Fine-tuning: adapt a pretrained network",
    "adaptation": "Adaptation: train a network to see source and target alike",
    "segment": "Segmentation: outline what is in an image or a volume",
    "federated": "Federated: learn together, each site's rows staying at home",
    "ensemble": "Ensemble: join the other arms",
    "guard": "Guard: choose, and fall back to the control",
}


def methods() -> str:
    """Return one table for each family of methods, in the order of the design."""
    from medgraft.methods.registry import entries

    known = [entries[name] for name in entries]
    families = [*FAMILIES, *sorted({m.family for m in known} - set(FAMILIES))]
    parts = []
    for family in families:
        rows = [
            (
                f"`{m.name}`",
                m.summary,
                ", ".join(m.tasks),
                ", ".join(m.needs) or "nothing",
                m.cost,
                _papers(m.refs),
            )
            for m in known
            if m.family == family
        ]
        if rows:
            heads = ("Name", "What it does", "Tasks", "Needs", "Cost of a fit", "Papers")
            parts.append(f"## {FAMILIES.get(family, family)}\n\n{_table(heads, rows)}")
    return "\n\n".join(parts)


def steps() -> str:
    """Return the table of steps that may stand beside a method."""
    from medgraft.methods.prepare import steps as entries

    places = {
        "learner": "inside a method, before its learner",
        "method": "around a method",
        "arm": "around an arm",
    }
    rows = [
        (f"`{s.name}`", s.summary, places[s.around], _papers(s.refs))
        for s in (entries[name] for name in entries)
    ]
    return _table(("Name", "What it does", "Where it stands", "Papers"), rows)


def learners() -> str:
    """Return the table of learners that may stand inside a method."""
    from medgraft.methods.learners import learners as entries

    known = [entries[name] for name in entries]
    rows = [(f"`{m.name}`", m.summary, ", ".join(m.tasks), _papers(m.refs)) for m in known]
    return _table(("Name", "What it does", "Tasks", "Papers"), rows)


def networks() -> str:
    """Return the table of registered networks."""
    from medgraft.sources.registry import networks as entries

    rows = []
    for name in entries:
        n = entries[name]
        size = n.input_size if isinstance(n.input_size, int) else " x ".join(map(str, n.input_size))
        rows.append(
            (
                f"`{n.name}`",
                size,
                _numbers(n.mean),
                _numbers(n.std),
                n.interpolation,
                n.licence,
                _code(n.sha256),
            )
        )
    return _table(("Name", "Pixels", "Mean", "Standard deviation", "Resizing", "Licence", "SHA-256"), rows)


def formats() -> str:
    """Return the table of formats: what one row is, and the roles that need not be said."""
    from medgraft.cohort.formats import formats as entries

    rows = []
    for name in entries:
        f = entries[name]
        module = sys.modules[f.read.__module__]
        summary = (module.__doc__ or "").strip().split("\n")[0]
        roles = ", ".join(f"{role}: `{column}`" for role, column in f.roles.items()) or "–"
        rows.append((f"`{name}`", " ".join(f.suffixes) or "folder", summary, roles))
    return _table(("Name", "Suffixes", "What it is", "Roles by convention"), rows)


TABLES: dict[str, Callable[[], str]] = {
    "methods": methods,
    "steps": steps,
    "learners": learners,
    "networks": networks,
    "formats": formats,
}


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace a line ``<!-- table: NAME -->`` by the table of that name; mkdocs calls this."""
    return re.sub(r"^<!-- table: (\w+) -->$", lambda m: TABLES[m[1]](), markdown, flags=re.M)


def _table(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *(list(row) for row in rows)]
    return "\n".join("| " + " | ".join(_cell(c) for c in line) + " |" for line in lines)


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")


def _papers(refs: Iterable[str]) -> str:
    linked = []
    for ref in refs:
        ref = _DOI.sub(lambda m: f"[doi:{m[1]}](<https://doi.org/{m[1]}>)", ref)
        linked.append(_ARXIV.sub(lambda m: f"[arXiv:{m[1]}](https://arxiv.org/abs/{m[1]})", ref))
    return "; ".join(linked)


def _numbers(values: Iterable[float]) -> str:
    return ", ".join(f"{v:g}" for v in values)


def _code(value: str | None) -> str:
    return f"`{value}`" if value else "–"
