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
        "may flatter it."
    )


def _names(view: View) -> str:
    """Say what the arms that the verdict compares do."""
    named = dict.fromkeys([str(view.data["control"]), view.delivered, str(view.choice["guard"] or "")])
    return " ".join(f"{a['name']}: {a['summary']}" for a in view.arms if a["name"] in named and a["summary"])


def minute(view: View, found: dict[str, dict[str, Any] | None]) -> list[tuple[str, str]]:
    """Return (heading, sentence) of what the sections found, in the order of what a patient feels.

    Parameters
    ----------
    view : View
    found : dict
        By section, as `medgraft.report.html.found_in` returns it.
    """
    one = view.delivered == str(view.data["control"]) and not view.choice["guard"]
    what = "The arm of the verdict" if one else "The two arms of the verdict"
    said = [(what, names)] if (names := _names(view)) else []
    if procedure(view):
        said.append(("Whose figures", procedure(view)))
    elif view.delivered in view.compared and view.delivered != view.choice["guard"] and len(view.counted) > 1:
        picked = (
            f"{view.delivered} was picked on the very patients it is judged by: its figures are flattered."
        )
        said.append(("Whose figures", picked))
    if (made := found["decisions"]) and made["points"] and made["points"][0]["name"] == view.delivered:
        goal = f"At a threshold meant to find {100 * SENSITIVITY:.0f} % of “{made['event']}”"
        said.append((goal, made["points"][0]["sentence"]))
    if (made := found["calibration"]) and made["sentence"]:
        said.append(("Can its probabilities be trusted?", made["sentence"]))
    if made := found["subgroups"]:
        lost = [r["name"] for r in made["rows"] if r["outcome"].endswith("loses")]
        told = [g["sentence"] for g in made["gaps"] if g["shown"]]
        even = [g["name"] for g in made["gaps"] if not g["shown"] and g["of"] == view.metric["name"]]
        if even:
            told.insert(0, f"No gap in {view.metric['label']} by {' or '.join(even)} is shown.")
        text = " ".join(told)
        if made["untold"]:
            text += f" By {' and '.join(made['untold'])} it cannot be told: too few patients."
        if lost:
            text += f" Compared with the control, these lose: {', '.join(lost)}."
        said.append(("Is it alike for all?", text.strip()))
    if made := found["needed"]:
        said.append(("What would settle it?", made["sentence"]))
    return said
