"""Settings of an arm: how they are written, and which of them a user may give."""

from __future__ import annotations

import json
from typing import Any

from medgraft.base import MedgraftError, did_you_mean
from medgraft.methods.tuning.ranges import extremes, is_range
from medgraft.trial.spelling import split_settings

# Settings that a trial fills in, and where the user says them instead.
OWNED = {
    "task": "say --task",
    "random_state": "say --seed",
    "sources": "say --source",
    "columns": "they are the features of the cohort: name them with --features",
    "device": "say --device",
    "metric": "say --metric",
    "candidates": "they are the other arms",
    "featuriser": "it is the network of the trial",
    "control": "it is the control of the trial",
    "control_name": "it is the control of the trial",
    "estimator": "add a learner by a plus, as in pooled+svm",
    "space": "write the range as the setting's value, as in lr=log(1e-5,1e-2)",
    "time": "say --time",
    "aggregate": "say --aggregate",
}


def read_settings(text: str, spec: str) -> dict[str, Any]:
    """Return the settings in ``"name=value,name=value"``; values as JSON where they can be, else as text.

    Raises
    ------
    MedgraftError
        A setting of the arm `spec` has no value.
    """
    settings: dict[str, Any] = {}
    for part in split_settings(text):
        name, equals, value = part.partition("=")
        if not equals or not value.strip():
            raise MedgraftError(
                f"The arm '{spec}' has a setting without a value, '{part}': write name=value."
            )
        try:
            settings[name.strip()] = json.loads(value)
        except json.JSONDecodeError:
            settings[name.strip()] = value.strip()
    return settings


def check_settings(kind: str, name: str, known: dict[str, Any], given: dict[str, Any]) -> None:
    """Refuse settings that are not there, that are the trial's own, or of another kind.

    Parameters
    ----------
    kind : str
        "method", "step" or "learner".
    name : str
    known : dict
        Its settings, with their defaults.
    given : dict
        What the user gave.

    Raises
    ------
    MedgraftError
    """
    for setting, value in given.items():
        if setting not in known:
            options = ", ".join(sorted(set(known) - set(OWNED)))
            hint = did_you_mean(setting, known) or (f" It has: {options}." if options else " It has none.")
            raise MedgraftError(f"The {kind} '{name}' has no setting '{setting}'.{hint}")
        if setting in OWNED:
            raise MedgraftError(f"The setting '{setting}' of '{name}' is the trial's own: {OWNED[setting]}.")
        for one in extremes(value) if is_range(value) else (value,):
            _check_kind(name, setting, one, known[setting])


def _check_kind(method: str, name: str, value: Any, default: Any) -> None:
    """Refuse a value whose kind is not that of the default; a default of None says nothing."""
    number = isinstance(default, int | float) and not isinstance(default, bool)
    fits = {
        "a number": isinstance(value, int | float) and not isinstance(value, bool) if number else True,
        "a whole number": isinstance(value, int) if number and isinstance(default, int) else True,
        "true or false": isinstance(value, bool) if isinstance(default, bool) else True,
        # "auto" may stand in for a number
        "text": isinstance(value, str) if isinstance(default, str) and default != "auto" else True,
    }
    wanted = next((kind for kind, ok in fits.items() if not ok), None)
    if wanted is not None and value is not None:
        raise MedgraftError(f"The setting '{name}' of '{method}' takes {wanted}, not '{value}'.")
