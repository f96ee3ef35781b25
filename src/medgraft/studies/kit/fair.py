"""A control that is searched as the method is: else a search could pass for transfer."""

from __future__ import annotations

from medgraft.studies.kit.run import Run

UNSEARCHED = (
    "As published, the method's settings are searched and those of the network from random weights are not: "
    "what the search gives counts as the method's."
)


def control(run: Run, searched: str, plain: str) -> str:
    """Return the control with a search of its own; as published the one without, and say so.

    Use it wherever an honest run searches the method's settings. Put it before other arms from random
    weights: the first one is the trial's control.

    Parameters
    ----------
    run : Run
    searched : str
        The arm with the method's own search step, over settings that mean something where the whole network
        trains: no share of released blocks.
    plain : str
        The same arm with fixed settings.
    """
    if run.honest:
        return searched
    run.note(UNSEARCHED)
    return plain
