"""How many samples and patients went where: the figures of the flow diagram."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from medgraft.trial.trial import Trial


def flow(trial: Trial) -> dict[str, Any]:
    """Return the numbers of a trial's samples from reading to testing, at the headline's label budget.

    Returns
    -------
    dict
        ``included``, ``source``, ``target``, ``tested``: {"rows", "patients"}; ``learnt`` and ``hidden``: the
        smallest and the largest number of target rows that taught a model with and without their label;
        ``left_out``: the reader's sentences; ``fits``: how many training parts there were.
    """
    d = trial.design
    own = np.ones(d.data.n, bool)
    if d.target is not None and d.data.domains is not None:
        own = d.data.domains == d.target
    head = [s for s in trial.splits if s.budget == d.headline]
    tested = np.unique(np.concatenate([s.test for s in head]))

    def count(rows: Any) -> dict[str, int]:
        return {"rows": len(rows), "patients": len(np.unique(d.data.groups[rows]))}

    def span(parts: list[Any]) -> list[int]:
        sizes = [int(own[rows].sum()) for rows in parts]
        return [min(sizes), max(sizes)]

    return {
        "left_out": [w for w in d.data.warnings if "left out" in w],
        "included": count(np.arange(d.data.n)),
        "source": count(np.flatnonzero(~own)),
        "target": count(np.flatnonzero(own)),
        "learnt": span([s.labelled for s in head]),
        "hidden": span([s.unlabelled for s in head]),
        "tested": count(tested),
        "fits": len(head),
    }
