"""Which arm is delivered: first, do no harm."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from medgraft.cohort.segmentation import SEGMENTATION
from medgraft.methods import entries

if TYPE_CHECKING:
    from medgraft.trial.trial import Trial


# Yardsticks that no one is treated by: they are compared, but never delivered, nor offered to the guard.
YARDSTICKS = ("majority", "random-transfer")
# Controls that carry knowledge over all the same: they can help or harm.
TRANSFERRING = ("pooled", "source-only")


def choose_delivery(trial: Trial, data: dict[str, Any]) -> dict[str, Any]:
    """Choose the arm to deliver, and say why.

    ``guarded`` is delivered unless it harms; without it, the arm that helps most, or the control.

    Parameters
    ----------
    trial : Trial
    data : dict
        ``result.json`` so far.

    Returns
    -------
    dict
        ``chosen``, ``chosen_because`` and ``verdict``.
    """
    by_arm = {c["arm"]: c for c in data["comparisons"]}
    guard = data["guard"]["arm"]
    control = trial.control
    if guard in by_arm:
        own = by_arm[guard]
        if own["verdict"] == "harms":
            chosen, because = (
                control,
                f"{guard} did worse than {control} on the test patients, so {control} is delivered.",
            )
        else:
            chosen, because = (
                guard,
                (
                    f"{guard} chooses on the training patients alone, so the choice does not flatter its "
                    "figure."
                ),
            )
        verdict = f"{own['sentence']} {_tally(trial, data['comparisons'], guard)}"
    else:
        sign = 1 if data["better"] == "higher" else -1
        helpful = [c for c in data["comparisons"] if c["verdict"] == "helps" and _is_model(trial, c["arm"])]
        if helpful:
            best = max(helpful, key=lambda c: sign * c["difference"])
            chosen = best["arm"]
            because = (
                f"{chosen} helps most on the test patients. It was chosen on them, so its own figure is "
                "somewhat too good"
                + (
                    "."
                    if trial.task == SEGMENTATION
                    else "; add the arm 'guarded' for a choice made on training patients."
                )
            )
            verdict = f"{best['sentence']} {_tally(trial, data['comparisons'], chosen)}"
        else:
            chosen = control
            tried = any(_transfers(trial, c["arm"]) for c in data["comparisons"])
            arm = "transfer arm" if tried else "arm"
            because = f"No {arm} was shown to help, so {control} is delivered."
            verdict = f"{because} {_tally(trial, data['comparisons'], control)}".rstrip()
    if trial.design.kind == "time-ordered":
        because += " Every patient has a model of his or her own, so that none is saved for all."
    return {"chosen": chosen, "chosen_because": because, "verdict": verdict}


def _tally(trial: Trial, comparisons: list[dict[str, Any]], told: str) -> str:
    """Say how the arms fared in all, so that one verdict is not read as the only one.

    Controls are no arms that help or harm, unless they transfer.
    """
    others = [c for c in comparisons if _transfers(trial, c["arm"]) and c["arm"] != told]
    counts = Counter(c["verdict"] for c in others)
    parts = [f"{counts[v]} {w}" for v, w in (("helps", "helped"), ("harms", "harmed")) if counts[v]]
    if counts["inconclusive"]:
        parts.append(f"{counts['inconclusive']} could not be told apart from it")
    arms = "1 other arm" if len(others) == 1 else f"{len(others)} other arms"
    return f"Of {arms} compared with {trial.control}, {', '.join(parts)}." if others else ""


def _is_model(trial: Trial, name: str) -> bool:
    return _method(trial, name) not in YARDSTICKS


def _transfers(trial: Trial, name: str) -> bool:
    method = _method(trial, name)
    return entries[method].role != "control" or method in TRANSFERRING


def _method(trial: Trial, name: str) -> str:
    return next(a.method for a in trial.arms if a.name == name)
