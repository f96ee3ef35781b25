"""What is written of an explanation: one page with its pictures inside, these, and the figures."""

from __future__ import annotations

import base64
import json
from html import escape
from pathlib import Path
from typing import Any

from medgraft.base import MedgraftError


def page(facts: dict[str, Any], pictures: dict[str, bytes]) -> str:
    """Return the page: it needs no other file, and follows light and dark.

    Parameters
    ----------
    facts : dict
        The content of ``explanation.json``.
    pictures : dict of name to PNG
    """
    from medgraft.report.html import TEMPLATES

    css = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    about = facts["graft"].get("label") or "the label"
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark"><title>Explanation</title>',
        f"<style>{css}\nfigure img{{max-width:100%;height:auto;background:#fff}}</style></head><body><main>",
        "<h1>What the model saw</h1>",
        f"<p>It predicts {escape(str(about))} from {_one(facts['graft']['kind'])}.</p>",
        *(f"<p>{escape(sentence)}</p>" for sentence in facts["notes"]),
    ]
    for one in facts["samples"]:
        data = base64.b64encode(pictures[one["picture"]]).decode()
        said = escape(one["sentence"])
        parts += [
            f"<section><h2>{escape(one['sample'])}</h2><figure>",
            f'<img alt="{said}" src="data:image/png;base64,{data}"><figcaption>{said}</figcaption></figure>',
        ]
        if one.get("nearest"):
            parts.append(
                "<table><caption>Nearest known cases</caption><tr><th>case<th>label<th>distance</tr>"
            )
            for case in one["nearest"]:
                cells = (case["id"], str(case.get("label", "")), f"{case['distance']:.3g}")
                parts.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>")
            parts.append("</table>")
        parts.append("</section>")
    return "\n".join([*parts, "</main></body></html>\n"])


def _one(kind: str) -> str:
    """Write a kind with its article.

    Examples
    --------
    >>> _one("image"), _one("table"), _one("omics")
    ('an image', 'a table', 'a row of omics')
    """
    if kind == "omics":
        return "a row of omics"
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {escape(kind)}"


def earlier(out: Path, overwrite: bool) -> None:
    """Refuse a folder with an earlier explanation: its pictures, of other patients, would stay."""
    if out.is_file():
        raise MedgraftError(f"'{out}' is a file: give --out a folder.")
    if _written(out) and not overwrite:
        raise MedgraftError(
            f"'{out}' holds an explanation: choose another --out, or replace it with --overwrite."
        )


def _written(out: Path) -> list[Path]:
    """Return the files of an earlier explanation in a folder."""
    patterns = ("sample-[0-9]*.png", "values.csv", "explanation.json", "explanation.html")
    return [file for pattern in patterns for file in sorted(out.glob(pattern))]


def write(out: Path, facts: dict[str, Any], pictures: dict[str, bytes]) -> None:
    """Write the page, its pictures and ``explanation.json`` in place of an earlier explanation."""
    text = page(facts, pictures)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for file in _written(out):
            file.unlink()
        for name, content in pictures.items():
            (out / name).write_bytes(content)
        (out / "explanation.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        (out / "explanation.html").write_text(text, encoding="utf-8")
    except OSError as error:
        raise MedgraftError(f"The folder '{out}' cannot be written ({error.strerror}).") from None
