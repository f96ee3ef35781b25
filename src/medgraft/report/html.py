"""Build the page: read a run, draw, fill the template, write it whole or not at all."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from medgraft.base import MedgraftError
from medgraft.base.scrub import scrub
from medgraft.report import figures, patients, story
from medgraft.report.alerts import alerts
from medgraft.report.model_card import model_card
from medgraft.report.read import read_run
from medgraft.report.sections.minute import minute
from medgraft.report.sections.registry import found_in
from medgraft.report.tripod import checklist
from medgraft.report.view import View

TEMPLATES = Path(__file__).parent / "templates"
_SECTION = re.compile(r'<section id="([\w-]+)" data-title="([^"]+)">')


def build(out_dir: str | Path) -> Path:
    """Write the report of a finished run as one HTML page that needs no other file, and its model card.

    Use it to read, print or send what a trial found. It shows no patient and no file path. It is not the
    place for further analysis: take ``predictions.parquet`` for that.

    Parameters
    ----------
    out_dir : path
        A run folder, as `medgraft.Trial.run` writes it. Only ``result.json`` is needed; ``plan.json`` adds
        what was loaded and frozen, ``predictions.parquet`` all that is said of predictions.

    Returns
    -------
    Path
        The page, ``report.html`` in that folder, with ``model_card.md`` and, for further work, its
        figures in ``report.json`` beside it. Earlier ones are replaced;
        a failure leaves them as they were.

    Raises
    ------
    MedgraftError
        The folder holds no finished run, or cannot be written to.

    Notes
    -----
    Takes some ten seconds (2,000 predictions of eight arms), half of them for loading libraries.

    Examples
    --------
    >>> from medgraft.report import build
    >>> build("no-such-run")
    Traceback (most recent call last):
        ...
    medgraft.base.errors.MedgraftError: There is no folder 'no-such-run': give a folder that a trial wrote.
    """
    folder = Path(out_dir)
    view = View(read_run(folder))
    found = found_in(view)
    numbers = scrub({name: part["figures"] for name, part in found.items() if part and "figures" in part})
    pages = {
        "report.html": render(view, found),
        "report.json": json.dumps(numbers, indent=1, allow_nan=False) + "\n",
        "model_card.md": model_card(view.run),
    }
    for name, text in pages.items():
        write(folder / name, text)
    return folder / "report.html"


def environment() -> Any:
    """Return what fills templates; names of arms, columns and classes come from users: all is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=_finish,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["breakable"] = breakable
    return made


def breakable(name: Any) -> Markup:
    """Let a long name of an arm go on in a new line before a step and after a colon or comma.

    Examples
    --------
    >>> breakable("finetune:epochs=3+rose")
    Markup('finetune:<wbr>epochs=3<wbr>+rose')
    """
    return Markup(re.sub(r"(?<=[:,])|(?=\+)", "<wbr>", str(escape(name))))


def contents(page: str) -> list[tuple[str, Markup]]:
    """Return (id, title) of the sections of a page in their order: those that are there, and no others.

    Examples
    --------
    >>> contents('<section id="arms" data-title="Arms"><h2>The arms</h2></section>')
    [('arms', Markup('Arms'))]
    """
    return [(name, Markup(title)) for name, title in _SECTION.findall(page)]


def style() -> Markup:
    """Return the style of all pages."""
    return Markup((TEMPLATES / "report.css").read_text(encoding="utf-8"))


def render(view: View, found: dict[str, dict[str, Any] | None]) -> str:
    """Return the page of a run."""
    run = view.run
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            css=style(),
            contents=contents,
            data=run.result,
            view=view,
            alerts=alerts(run),
            cohort=story.cohort(run),
            flow=patients.flow(run),
            table_one=patients.table_one(run),
            tripod=checklist(run),
            design=story.design(run),
            plan=story.plan(run),
            limits=story.limits(run),
            reproduce=story.reproduce(run),
            values=figures.values(view),
            differences=figures.differences(view),
            curve=figures.learning_curve(view),
            curves=figures.calibration(view),
            samples=figures.samples(view),
            minute=minute(view, found),
            examples=run.examples,
            **found,
        )
    )


def _finish(value: Any) -> Any:
    """Keep a number and its percent sign on one line."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return re.sub(r"(?<=\d) %", "\N{NO-BREAK SPACE}%", value)


def write(path: Path, page: str) -> None:
    """Write a file whole, or leave what is there as it is."""
    partial = path.with_name(f"{path.name}.tmp")
    try:
        # Half a surrogate pair in a name cannot be written as UTF-8; a question mark can.
        partial.write_text(page, encoding="utf-8", errors="replace")
        partial.replace(path)
    except OSError as e:
        partial.unlink(missing_ok=True)
        raise MedgraftError(
            f"'{path}' cannot be written ({e.strerror}): check the folder's permissions."
        ) from None
