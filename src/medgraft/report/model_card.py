"""The model card: what goes with the model, in Markdown (after Mitchell et al. 2019)."""

from __future__ import annotations

import re
from typing import Any

from medgraft.report import story, words
from medgraft.report.alerts import alerts
from medgraft.report.origin import learns_from, model_arm
from medgraft.report.read import Run
from medgraft.report.view import View

_ASK = "_To be written by a person: {}._"


def model_card(run: Run) -> str:
    """Return the card of the model that a run delivered.

    What a run cannot know (intended use, who must not use it, ethics) is asked for in italics, never made
    up. Source: Mitchell et al. 2019, doi:10.1145/3287560.3287596.
    """
    view, data = View(run), run.result
    lines = [
        f"# Model card: {_text(view.delivered)}",
        "",
        _text(str(data.get("question") or "")),
        "",
        f"**{view.badge['word']}.** {_text(str(data['verdict']))}",
        "",
        *[f"> **{_text(a['title'])}.** {_text(a['sentence'])} {_text(a['advice'])}\n" for a in alerts(run)],
        "## The model",
        "",
        *_facts(_model(run, view)),
        "",
        "## Intended use",
        "",
        _ASK.format("for whom, by whom, at which step of care, and what it must not be used for"),
        "",
        "It is not a medical device. Its figures hold for patients like those below.",
        "",
        "## Patients",
        "",
        *_facts(story.cohort(run)["facts"]),
        "",
        "## How it was tested",
        "",
        *_facts(story.design(run)),
        "",
        "## Figures",
        "",
        *_figures(view),
        "",
        "## Warnings and limits",
        "",
        *[f"- {_text(w)}" for w in [*(data.get("warnings") or []), *story.limits(run)]],
        "",
        "## Ethical considerations",
        "",
        _ASK.format("consent and approval, risks to patients, groups that the data do not show"),
        "",
    ]
    if command := data.get("command"):
        lines += ["## Repeat it", "", "```", str(command).replace("```", ""), "```", ""]
    return "\n".join(lines)


def _model(run: Run, view: View) -> list[tuple[str, str]]:
    chosen: dict[str, Any] = next((a for a in run.result["arms"] if a["name"] == view.delivered), {})
    told = [("Arm", view.delivered), ("Method", str(chosen.get("method", "")))]
    if final := view.choice["final"]:
        told.append(("Chosen by the guard", final))
    own = model_arm(view)
    told.append(("Learns also from", learns_from(own)))
    if own.get("loading"):
        told.append(("Weights", words.plain(own["loading"])))
    versions = run.result.get("versions") or {}
    told.append(("Made with", ", ".join(f"{k} {v}" for k, v in versions.items())))
    return [(k, v) for k, v in told if v]


def _facts(pairs: list[tuple[str, str]]) -> list[str]:
    return [f"- {_text(k)}: {_text(v)}" for k, v in pairs]


def _figures(view: View) -> list[str]:
    label = view.metric["label"]
    head = [f"| arm | {_text(label)} | 95 % interval | difference | 95 % interval | verdict |"]
    rows = [
        "| "
        + " | ".join(
            _text(str(x))
            for x in (
                a["name"] + (" (control)" if a["is_control"] else ""),
                a["value"],
                a["interval"],
                a["difference"] or words.DASH,
                a["difference_interval"] or words.DASH,
                a["verdict"] or words.DASH,
            )
        )
        + " |"
        for a in view.arms
    ]
    return [*head, "|---|---|---|---|---|---|", *rows, "", f"{label}: {view.metric['meaning']}"]


def _text(text: Any) -> str:
    """Keep names of columns and arms from being read as Markdown or HTML."""
    plain = " ".join(str(text).split()).replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]#|])", r"\\\1", plain)
