"""What the page says, from what the trial found: the arms, the verdict, the choice."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from medgraft.report import words
from medgraft.report.read import Run
from medgraft.trial.choice import TRANSFERRING, YARDSTICKS
from medgraft.trial.table_one import withheld

# Icon and word say it; the colour only repeats it.
BADGES = {
    "helps": {"kind": "good", "icon": "▲", "word": "Transfer helps"},
    "harms": {"kind": "bad", "icon": "▼", "word": "Transfer harms"},
    "inconclusive": {"kind": "open", "icon": "●", "word": "Not proven either way"},
    "none": {"kind": "open", "icon": "●", "word": "No benefit shown"},
    "untried": {"kind": "open", "icon": "●", "word": "No transfer was tried"},
}
_SENTENCE = re.compile(r"(?<=\.) (?=[A-Z0-9])")
_FIGURE = re.compile(r"\d+(\.\d+)?")
ICONS = {"helps": "▲", "harms": "▼", "inconclusive": "●"}


def ends(row: dict[str, Any] | None) -> tuple[float | None, float | None]:
    """Return the interval of an arm, metric or comparison; (None, None) where it has none."""
    ci = (row or {}).get("ci")
    return (ci[0], ci[1]) if isinstance(ci, list) and len(ci) == 2 else (None, None)


@dataclass(frozen=True)
class View:
    """The parts of the page that speak of arms.

    Parameters
    ----------
    run : Run
        What was read.
    """

    run: Run

    @property
    def data(self) -> dict[str, Any]:
        """The content of ``result.json``."""
        return self.run.result

    @cached_property
    def metric(self) -> dict[str, Any]:
        """The trial's metric: name, label, definition, direction."""
        name = self.data["metric"]
        return {
            "name": name,
            "label": words.metric_label(name),
            "meaning": words.metric_meaning(name),
            "better": self.data["better"],
        }

    @cached_property
    def guessing(self) -> str:
        """What guessing scores where that hangs on the number of classes; else nothing."""
        k = len((self.data.get("cohort") or {}).get("classes") or [])
        found = self.data["metric"] == "balanced_accuracy" and k > 1
        return f" Guessing among {k} classes scores {words.number(1 / k)}." if found else ""

    @cached_property
    def places(self) -> tuple[int, int]:
        """Decimals of values, and of differences: enough for the smallest one, whatever the largest."""
        values = [a.get("value") for a in self.data["arms"]]
        known = [[abs(v) for v in (c.get("difference"), *ends(c)) if v] for c in self.data["comparisons"]]
        steps = [min((max(k) for k in known if k), default=0.0)]
        name = self.data["metric"]
        return words.decimals(name, values), words.decimals(name, steps)

    @cached_property
    def compared(self) -> dict[str, dict[str, Any]]:
        """The comparison of each arm but the control."""
        return {c["arm"]: c for c in self.data["comparisons"]}

    @cached_property
    def counted(self) -> list[str]:
        """The compared arms that count among the comparisons: a yardstick is nobody's model."""
        methods = {a["name"]: a.get("method") for a in self.data["arms"]}
        return [name for name in self.compared if methods.get(name) not in YARDSTICKS]

    @cached_property
    def spare(self) -> list[str]:
        """The compared arms that are yardsticks."""
        return [name for name in self.compared if name not in self.counted]

    @cached_property
    def common_note(self) -> str:
        """What is noted of every comparison alike, to be said once."""
        notes = [str(c.get("note") or "") for c in self.data["comparisons"]]
        if len(notes) < 2:
            return ""
        said = [part for part in _SENTENCE.split(notes[0]) if part and all(part in n for n in notes)]
        return " ".join(said)

    def without_common(self, text: str) -> str:
        """Return a note or a sentence without what is noted of all."""
        for part in _SENTENCE.split(self.common_note):
            text = text.replace(part, "") if part else text
        return " ".join(text.split())

    @property
    def delivered(self) -> str:
        """The arm whose model is delivered."""
        return str(self.data["chosen"])

    @cached_property
    def badge(self) -> dict[str, str]:
        """The verdict at a glance: kind, icon, word.

        It speaks of the arm that the verdict speaks of: the guard's where there is one, else the chosen
        arm; where the control is chosen no arm was shown to help.
        """
        guard = (self.data.get("guard") or {}).get("arm")
        about = self.compared.get(str(guard)) or self.compared.get(self.data["chosen"])
        if about:
            return BADGES.get(str(about.get("verdict")), BADGES["none"])
        verdicts = {self.compared[a["name"]].get("verdict") for a in self._transfers}
        methods = {str(a.get("method")) for a in self.data["arms"]}
        if not verdicts and not methods & set(TRANSFERRING):
            return BADGES["untried"]
        return BADGES["harms" if verdicts == {"harms"} else "none"]

    @property
    def _transfers(self) -> list[dict[str, Any]]:
        arms = self.data["arms"]
        return [a for a in arms if a.get("role") == "transfer" and a["name"] in self.compared]

    @property
    def verdict(self) -> tuple[str, str]:
        """The verdict's first sentence, for big type, and the rest of it."""
        first, stop, rest = str(self.data["verdict"]).partition(". ")
        return first + stop.strip(), rest

    @cached_property
    def arms(self) -> list[dict[str, Any]]:
        """One dict an arm, ready to be shown."""
        value_places, step_places = self.places
        rows = []
        for a in self.data["arms"]:
            c = self.compared.get(a["name"])
            verdict = str((c or {}).get("verdict") or "")
            rows.append(
                {
                    "name": a["name"],
                    "summary": summary(str(a.get("method", "")), str(a["name"])),
                    "role": a.get("role", ""),
                    "is_control": a["name"] == self.data["control"],
                    "is_yardstick": a["name"] in self.spare,
                    "is_delivered": a["name"] == self.delivered,
                    "value": words.number(a.get("value"), value_places),
                    "interval": words.span(ends(a), value_places),
                    "difference": words.number(c.get("difference"), step_places, sign=True) if c else "",
                    "difference_interval": words.span(ends(c), step_places, sign=True) if c else "",
                    "verdict": verdict,
                    "icon": ICONS.get(verdict, ""),
                    "note": self.without_common((c or {}).get("note") or ""),
                    "sentence": self.without_common((c or {}).get("sentence") or ""),
                    "cpu": words.duration(a.get("cpu_seconds")),
                }
            )
        return rows

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """The table of all metrics: columns with definitions, rows of cells."""
        names = list(dict.fromkeys(m for a in self.data["arms"] for m in a.get("metrics") or {}))
        places = {
            m: words.decimals(m, [self._measured(a, m).get("value") for a in self.data["arms"]])
            for m in names
        }
        rows = []
        for a in self.data["arms"]:
            cells = []
            for m in names:
                found = self._measured(a, m)
                cell = words.number(found.get("value"), places[m]), words.span(ends(found), places[m])
                cells.append(cell)
            rows.append({"name": a["name"], "cells": cells})
        columns = [
            {"name": m, "label": words.metric_label(m), "meaning": words.metric_meaning(m)} for m in names
        ]
        return {"columns": columns, "rows": rows}

    @cached_property
    def labels(self) -> dict[str, Any] | None:
        """The table of several labels, each by itself: AUROC by arm; None where there is one label."""
        arms = [a for a in self.data["arms"] if a.get("labels")]
        if not arms:
            return None
        names = list(arms[0]["labels"])
        columns = [_with_count(n, arms[0]["labels"][n]) for n in names]
        rows = []
        for a in arms:
            found = [a["labels"].get(n, {}).get("auroc") or {} for n in names]
            cells = [(words.number(f.get("value")), words.span(ends(f))) for f in found]
            rows.append({"name": a["name"], "cells": cells})
        return {"columns": columns, "rows": rows}

    @staticmethod
    def _measured(arm: dict[str, Any], metric: str) -> dict[str, Any]:
        return (arm.get("metrics") or {}).get(metric) or {}

    @cached_property
    def choice(self) -> dict[str, Any]:
        """What is delivered and why, and how often the guard chose what."""
        guard = self.data.get("guard") or {}
        counts = guard.get("choices") or {}
        total = sum(counts.values())
        final = guard.get("final") or {}
        return {
            "delivered": self.delivered,
            "is_control": self.delivered == self.data["control"],
            "because": self.data.get("chosen_because") or "",
            "guard": guard.get("arm") if guard.get("enabled") else None,
            "counts": [(k, v, f"{100 * v / total:.0f} %") for k, v in counts.items()] if total else [],
            "total": total,
            "reasons": _alike_once(guard.get("reasons") or []),
            "final": final.get("choice") or "",
            "final_because": final.get("reason") or "",
        }

    @cached_property
    def tiles(self) -> list[dict[str, str]]:
        """The key figures below the verdict."""
        by_name = {a["name"]: a for a in self.arms}
        label = self.metric["label"]
        tiles = []
        shown = list(dict.fromkeys([self.data["control"], self.delivered]))
        for name in shown:
            if a := by_name.get(name):
                what = "delivered" if a["is_delivered"] else "without transfer"
                tiles.append(
                    {"title": f"{label}, {what}", "value": a["value"], "note": f"{name}, {a['interval']}"}
                )
        if (c := by_name.get(self.delivered)) and c["difference"]:
            note = f"{c['difference_interval']}; {self.metric['better']} is better"
            tiles.append({"title": "Difference", "value": c["difference"], "note": note})
        patients = self.data.get("n_patients") or self.data.get("n")
        rows = self.data.get("n")
        note = "" if rows == patients else f"{words.count(rows)} samples"
        tiles.append({"title": "Patients tested", "value": words.count(patients), "note": note})
        budget = self.data.get("budget")
        if isinstance(budget, int) and budget >= 0:
            per = "in all" if self.data["task"] in words.IN_ALL else "per class"
            tiles.append({"title": "Target labels used", "value": words.count(budget), "note": per})
        return tiles


def _alike_once(reasons: list[str]) -> list[str]:
    """Return one of all reasons that are the same but for their figures."""
    return list({_FIGURE.sub("", r): r for r in reversed(reasons)}.values())[::-1]


def _with_count(label: str, found: dict[str, Any]) -> str:
    """Return a label and how many of the tested rows have it, where that may be told."""
    rows, has = int(found["rows"]), int(found["positive"])
    told = withheld([{"has": has, "has not": rows - has}])[0]["has"]
    return f"{label} ({words.WITHHELD if told is None else told} of {rows})"


def summary(method: str, arm: str = "") -> str:
    """Return the one-line promise of a method and of an arm's steps; of unknown ones, nothing."""
    from medgraft.methods.learners import learners
    from medgraft.methods.prepare import steps
    from medgraft.methods.registry import entries

    said = [entries[method].summary] if method in entries else []
    for part in arm.split("+")[1:]:
        name = part.partition(":")[0].strip()
        said += [kind[name].summary for kind in (steps, learners) if name in kind]
    return " ".join(said)
