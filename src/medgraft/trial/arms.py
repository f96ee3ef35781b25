"""Arms: a method, its settings and what it learns from, by name."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from medgraft.base import MedgraftError, did_you_mean
from medgraft.methods import Guarded, Method, Pipeline, entries


@dataclass(frozen=True)
class Arm:
    """One arm of a trial: a registered method with settings.

    Make one with :func:`arm`; the fields are for reading.

    Attributes
    ----------
    name : str
        The arm's name in tables and files; the text it was made from.
    method : str
        Name in the registry of methods.
    settings : dict
        Keyword arguments of the method.
    """

    name: str
    method: str
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def entry(self) -> Method:
        """The method's entry in the registry."""
        return entries[self.method]


def arm(spec: str, **settings: Any) -> Arm:
    """Make an arm from ``"method"`` or ``"method:setting=value,setting=value"``.

    Parameters
    ----------
    spec : str
        A method's name, and after a colon its settings. Values are read as JSON where they can be
        (``5``, ``0.001``, ``true``, ``null``), as text otherwise.
    **settings
        More settings; they win over those in `spec`.

    Returns
    -------
    Arm

    Raises
    ------
    MedgraftError
        The method or a setting does not exist, or a setting has no value.

    Examples
    --------
    >>> a = arm("finetune:epochs=5", lr=1e-4)
    >>> a.name, a.settings
    ('finetune:epochs=5,lr=0.0001', {'epochs': 5, 'lr': 0.0001})
    """
    method, _, text = spec.partition(":")
    method = method.strip()
    given = _parse(text, spec) | settings
    known = entries[method].cls().get_params(deep=False)
    for name, value in given.items():
        if name not in known:
            options = ", ".join(sorted(set(known) - set(_OWNED)))
            hint = did_you_mean(name, known) or (f" It has: {options}." if options else " It has none.")
            raise MedgraftError(f"The method '{method}' has no setting '{name}'.{hint}")
        if name in _OWNED:
            raise MedgraftError(f"The setting '{name}' of '{method}' is the trial's own: {_OWNED[name]}.")
        _check_kind(method, name, value, known[name])
    shown = ",".join(f"{name}={json.dumps(value, default=str)}" for name, value in settings.items())
    name = spec.strip() if not shown else f"{spec.strip()}{',' if text else ':'}{shown}"
    return Arm(name, method, given)


# Settings that a trial fills in, and where the user says them instead.
_OWNED = {
    "task": "say --task",
    "random_state": "say --seed",
    "source": "say --source",
    "device": "say --device",
    "metric": "say --metric",
    "candidates": "they are the other arms",
    "control": "it is the control of the trial",
    "control_name": "it is the control of the trial",
    "estimator": "choose another method",
    "time": "say --time",
}


def _check_kind(method: str, name: str, value: Any, default: Any) -> None:
    """Refuse a value whose kind is not that of the default; a default of None says nothing."""
    number = isinstance(default, int | float) and not isinstance(default, bool)
    fits = {
        "a number": isinstance(value, int | float) and not isinstance(value, bool) if number else True,
        "a whole number": isinstance(value, int) if number and isinstance(default, int) else True,
        "true or false": isinstance(value, bool) if isinstance(default, bool) else True,
        "text": isinstance(value, str) if isinstance(default, str) else True,
    }
    wanted = next((kind for kind, ok in fits.items() if not ok), None)
    if wanted is not None and value is not None:
        raise MedgraftError(f"The setting '{name}' of '{method}' takes {wanted}, not '{value}'.")


def _parse(text: str, spec: str) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
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


@dataclass(frozen=True)
class Workbench:
    """What an arm is built with: task, kind of data, and the network and the column of times if any."""

    task: str
    kind: str
    pretrained: Any = None
    device: str = "auto"
    metric: str = "auto"
    time: str | None = None

    @property
    def sklearn_task(self) -> str:
        """The task as estimators name it: ``classification`` or ``regression``."""
        return "regression" if self.task == "regression" else "classification"


def build(
    arm: Arm, bench: Workbench, seed: int, others: tuple[Arm, ...] = (), control: Arm | None = None
) -> Any:
    """Return the unfitted estimator of an arm.

    On images a method for arrays stands behind the pretrained network's frozen features; a network
    method reads the images itself. ``guarded`` receives every other arm of the trial as a candidate.

    Parameters
    ----------
    arm : Arm
    bench : Workbench
    seed : int
        Goes into ``random_state``.
    others : tuple of Arm
        The candidates of ``guarded``.
    control : Arm, optional
        What ``guarded`` falls back to.

    Returns
    -------
    estimator
        With the estimator contract of :class:`medgraft.methods.TransferEstimator`.
    """
    cls = arm.entry.cls
    known = cls().get_params(deep=False)
    offered = {
        "task": bench.sklearn_task,
        "random_state": seed,
        "source": bench.pretrained,
        "device": bench.device,
        "metric": bench.metric,
        "time": bench.time,
    }
    params = {name: value for name, value in offered.items() if name in known} | arm.settings
    if issubclass(cls, Guarded):
        if bench.kind == "image":  # one inner split, because each inner fit may train a network
            params.setdefault("inner_folds", 1)
        params["candidates"] = {other.name: build(other, bench, seed) for other in others}
        params["control"] = None if control is None else build(control, bench, seed)
        params["control_name"] = None if control is None else control.name
        return cls(**params)
    estimator = cls().set_params(**params)
    if bench.kind == "image" and "images" not in arm.entry.needs and arm.method != "majority":
        from medgraft.methods.finetune.features import BackboneFeatures

        return Pipeline(BackboneFeatures(bench.pretrained, device=bench.device), estimator)
    return estimator
