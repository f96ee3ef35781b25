"""The page in a minute: what a clinician must know, in a few sentences."""

from __future__ import annotations

from typing import Any

from medgraft.report.sections.decisions import SENSITIVITY
from medgraft.report.view import View


def minute(view: View, found: dict[str, dict[str, Any] | None]) -> list[tuple[str, str]]:
    """Return (heading, sentence) of what the sections found, in the order of what a patient feels.

    Parameters
    ----------
    view : View
    found : dict
        By section, as `medgraft.report.html.found_in` returns it.
    """
    said: list[tuple[str, str]] = []
    if (made := found["decisions"]) and made["points"] and made["points"][0]["name"] == view.delivered:
        goal = f"At a threshold meant to find {100 * SENSITIVITY:.0f} %"
        said.append((goal, made["points"][0]["sentence"]))
    if (made := found["calibration"]) and made["sentence"]:
        said.append(("Can its probabilities be trusted?", made["sentence"]))
    if made := found["subgroups"]:
        shown = [g["sentence"] for g in made["gaps"] if g["shown"]]
        lost = [r["name"] for r in made["rows"] if r["outcome"].endswith("loses")]
        text = " ".join(shown) or "No gap between the subgroups looked at is shown."
        if lost:
            text += f" Compared with the control, these lose: {', '.join(lost)}."
        said.append(("Is it alike for all?", text))
    if made := found["needed"]:
        said.append(("What would settle it?", made["sentence"]))
    return said
