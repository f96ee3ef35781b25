"""Arms: a method, its settings, its learner and the steps before it, by name."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from medgraft.base import MedgraftError, did_you_mean
from medgraft.methods import Guarded, Method, Pipeline, entries
from medgraft.methods.learners import learners
from medgraft.methods.prepare import steps


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
    steps : tuple of (str, dict)
        Names and settings of what is done to training rows before: balancing classes, filling gaps.
    learner : (str, dict), optional
        Name and settings of the learner inside the method; None: the method's own.
    """

    name: str
    method: str
    settings: dict[str, Any] = field(default_factory=dict)
    steps: tuple[tuple[str, dict[str, Any]], ...] = ()
    learner: tuple[str, dict[str, Any]] | None = None

    @property
    def entry(self) -> Method:
        """The method's entry in the registry."""
        return entries[self.method]


def arm(spec: str, **settings: Any) -> Arm:
    """Make an arm from ``"method"``, ``"method:setting=value,setting=value"`` or ``"method+step"``.

    Parameters
    ----------
    spec : str
        A method's name, and after a colon its settings. Values are read as JSON where they can be
        (``5``, ``0.001``, ``true``, ``null``), as text otherwise. After a plus a step that balances classes
        (``+rose``, ``+class-weights``, ``+smote``) or fills gaps (``+knn-impute``), or a learner (``+svm``,
        ``+random-forest``) that takes the place of the default one, with settings of its own.
    **settings
        More settings of the method; they win over those in `spec`.

    Returns
    -------
    Arm

    Raises
    ------
    MedgraftError
        The method, a step or a setting does not exist, or a setting has no value; two steps balance classes,
        or two fill gaps, or there are two learners.

    Examples
    --------
    >>> a = arm("finetune:epochs=5", lr=1e-4)
    >>> a.name, a.settings
    ('finetune:epochs=5,lr=0.0001', {'epochs': 5, 'lr': 0.0001})
    >>> arm("coral+rose:shrink=0.5").steps
    (('rose', {'shrink': 0.5}),)
    >>> arm("coral+rose+svm:C=10").learner
    ('svm', {'C': 10})
    """
    # A letter follows the plus of a step; that of a number such as 1e+3 has a digit after it.
    first, *after = re.split(r"\+(?=\s*[A-Za-z])", spec.strip())
    method, _, text = first.partition(":")
    method = method.strip()
    given = _parse(text, spec) | settings
    _check_settings("method", method, entries[method].cls().get_params(deep=False), given)
    shown = ",".join(f"{name}={json.dumps(value, default=str)}" for name, value in settings.items())
    whole = first.strip() if not shown else f"{first.strip()}{',' if text else ':'}{shown}"
    parts = [_part(part, spec) for part in after]
    made = tuple(part for part in parts if part[0] in steps)
    learns = [part for part in parts if part[0] in learners]
    if len(learns) > 1:
        names = " and ".join(name for name, _ in learns)
        raise MedgraftError(f"In the arm '{spec}' {names} are both learners: keep one of them.")
    for kind, does in (("learner", "balance classes"), ("method", "fill gaps")):
        same = [name for name, _ in made if steps[name].around == kind]
        if len(same) > 1:
            raise MedgraftError(f"In the arm '{spec}' {' and '.join(same)} both {does}: keep one of them.")
    full = "+".join([whole, *(part.strip() for part in after)])
    return Arm(full, method, given, made, learns[0] if learns else None)


def _part(text: str, spec: str) -> tuple[str, dict[str, Any]]:
    name, _, settings = text.partition(":")
    name = name.strip()
    given = _parse(settings, spec)
    kind = "learner" if name in learners else "step"
    if name not in learners and name not in steps:
        known = [*steps, *learners]
        hint = did_you_mean(name, known) or f" Known: {', '.join(sorted(known))}."
        raise MedgraftError(f"There is no step '{name}'.{hint}")
    cls = learners[name].cls if kind == "learner" else steps[name].cls
    _check_settings(kind, name, cls().get_params(deep=False), given)
    return name, given


def _check_settings(kind: str, name: str, known: dict[str, Any], given: dict[str, Any]) -> None:
    """Refuse settings that are not there, that are the trial's own, or of another kind."""
    for setting, value in given.items():
        if setting not in known:
            options = ", ".join(sorted(set(known) - set(_OWNED)))
            hint = did_you_mean(setting, known) or (f" It has: {options}." if options else " It has none.")
            raise MedgraftError(f"The {kind} '{name}' has no setting '{setting}'.{hint}")
        if setting in _OWNED:
            raise MedgraftError(f"The setting '{setting}' of '{name}' is the trial's own: {_OWNED[setting]}.")
        _check_kind(name, setting, value, known[setting])


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
    "estimator": "add a learner by a plus, as in pooled+svm",
    "time": "say --time",
}


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
    method reads the images itself. ``guarded`` receives every other arm of the trial as a candidate. A step
    that balances classes is the learner inside the method, where rows are encoded, weighted and aligned
    already, and holds the arm's own learner if it names one; one that fills gaps stands around the method.
    Each learns from training rows alone.

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

    Raises
    ------
    MedgraftError
        A step or learner that the method or the task has no place for.
    """
    cls = arm.entry.cls
    known = cls().get_params(deep=False)
    _check_steps(arm, bench)
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
    if arm.learner is not None:
        name, settings = arm.learner
        made = learners[name].cls
        filled = {"task": bench.sklearn_task, "random_state": seed}
        own = made().get_params(deep=False)
        params["estimator"] = made(**{k: v for k, v in filled.items() if k in own}, **settings)
    for name, settings in arm.steps:
        if steps[name].around == "learner":
            inner = params.get("estimator")
            params["estimator"] = steps[name].cls(estimator=inner, random_state=seed, **settings)
    estimator = cls().set_params(**params)
    for name, settings in arm.steps:
        if steps[name].around == "method":
            estimator = steps[name].cls(estimator, random_state=seed, **settings)
    if bench.kind == "image" and "images" not in arm.entry.needs and arm.method != "majority":
        from medgraft.methods.finetune.features import BackboneFeatures

        return Pipeline(BackboneFeatures(bench.pretrained, device=bench.device), estimator)
    return estimator


def _check_steps(arm: Arm, bench: Workbench) -> None:
    cls, needs = arm.entry.cls, arm.entry.needs
    if (arm.steps or arm.learner) and issubclass(cls, Guarded):
        raise MedgraftError(
            f"'{arm.name}': {arm.method} chooses among the other arms, so add the step or learner to one of "
            "those."
        )
    if arm.learner is not None:
        name, tasks = arm.learner[0], learners[arm.learner[0]].tasks
        if bench.task not in tasks:
            raise MedgraftError(f"'{arm.name}': {name} does {', '.join(tasks)}, and this is {bench.task}.")
        _check_place(arm, name)
    for name, _ in arm.steps:
        if steps[name].around == "method":
            if "images" in needs:
                raise MedgraftError(f"'{arm.name}': {arm.method} reads images, which have no gaps to fill.")
        elif bench.task == "regression":
            raise MedgraftError(f"'{arm.name}': {name} balances classes, and a regression has none.")
        else:
            _check_place(arm, name)


def _check_place(arm: Arm, name: str) -> None:
    """Refuse what stands inside a method that has a model of its own."""
    cls = arm.entry.cls
    if "estimator" not in cls().get_params(deep=False) or getattr(cls, "own_learner", False):
        raise MedgraftError(
            f"'{arm.name}': {arm.method} has a model of its own, so {name} has no place in it; use a method "
            "that takes any learner, such as pooled or coral."
        )
