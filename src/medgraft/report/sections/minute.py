"""The page in a minute: what a clinician must know, in a few sentences."""

from __future__ import annotations

from typing import Any

from medgraft.report.sections.decisions import SENSITIVITY
from medgraft.report.view import View


def procedure(view: View) -> str:
    """Say that figures are of the procedure that chose, where the model that it left is another arm's."""
    final, arm = view.choice["final"], view.choice["guard"]
    if not final or view.delivered != arm:
        return ""
    most = view.choice["counts"][0] if view.choice["counts"] else ("", 0, "")
    total = view.choice["total"]
    often = f" (it chose {most[0]} in {most[1]} of {total})" if most[0] else ""
    return (
        f"The figures of {arm} are those of choosing anew in each training part{often}. The delivered model "
        f"is {final}, which {arm} chose from all patients: the figures of that arm, picked after the fact, "
        "would flatter it."
    )


def minute(view: View, found: dict[str, dict[str, Any] | None]) -> list[tuple[str, str]]:
    """Return (heading, sentence) of what the sections found, in the order of what a patient feels.

    Parameters
    ----------
    view : View
    found : dict
        By section, as `medgraft.report.html.found_in` returns it.
    """
    said: list[tuple[str, str]] = []
    if procedure(view):
        said.append(("Whose figures", procedure(view)))
    if (made := found["decisions"]) and made["points"] and made["points"][0]["name"] == view.delivered:
        goal = f"At a threshold meant to find {100 * SENSITIVITY:.0f} %"
        said.append((goal, made["points"][0]["sentence"]))
    if (made := found["calibration"]) and made["sentence"]:
        said.append(("Can its probabilities be trusted?", made["sentence"]))
    if made := found["subgroups"]:
        shown = [g["sentence"] for g in made["gaps"] if g["shown"]]
        lost = [r["name"] for r in made["rows"] if r["outcome"].endswith("loses")]
        looked = [g["name"] for g in made["gaps"]]
        text = " ".join(shown)
        if looked and not shown:
            text = f"No gap by {' or '.join(looked)} is shown."
        if made["untold"]:
            text += f" By {' and '.join(made['untold'])} it cannot be told: too few patients."
        if lost:
            text += f" Compared with the control, these lose: {', '.join(lost)}."
        said.append(("Is it alike for all?", text.strip()))
    if made := found["needed"]:
        said.append(("What would settle it?", made["sentence"]))
    return said
