"""What an arm, and the model that is delivered, learns from beside the target's own labels."""

from __future__ import annotations

from typing import Any

from medgraft.report.view import View


def without_source(arm: dict[str, Any]) -> bool:
    """Whether an arm knows the target alone; ``scratch`` takes only the shape of the network it names."""
    alone = not arm.get("source") or "scratch" in str(arm.get("method"))
    return arm.get("role") == "control" and alone


def learns_from(arm: dict[str, Any]) -> str:
    """Say what an arm learns from beside the target.

    Examples
    --------
    >>> learns_from({"role": "control", "method": "scratch", "source": "resnet18"})
    'nothing else (of resnet18 the shape alone)'
    >>> learns_from({"role": "transfer", "method": "coral", "source": "va"})
    'va'
    """
    source = arm.get("source")
    if source and without_source(arm):
        return f"nothing else (of {source} the shape alone)"
    return str(source or "nothing else")


def model_arm(view: View) -> dict[str, Any]:
    """Return the arm whose model is delivered: of a guard the one that it chose from all patients."""
    by_name = {a["name"]: a for a in view.data["arms"]}
    guarded = view.delivered == view.choice["guard"]
    final = by_name.get(view.choice["final"]) if guarded else None
    return final or by_name.get(view.delivered) or {}
