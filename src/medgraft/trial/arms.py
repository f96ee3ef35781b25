"""Arms: a method, its settings, its learner and the steps before it, by name."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from medgraft.base import MedgraftError, did_you_mean
from medgraft.cohort.media import PICTURES, SEEN
from medgraft.methods import Guarded, Method, Pipeline, entries
from medgraft.methods.learners import learners
from medgraft.methods.multilabel import MultiLabel
from medgraft.methods.prepare import steps
from medgraft.methods.tuning.ranges import is_range
from medgraft.methods.views import ViewFeatures
from medgraft.trial.members import members_of
from medgraft.trial.parts import FUSING, named
from medgraft.trial.settings import check_settings, read_settings
from medgraft.trial.spelling import split_steps


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
        Names and settings of what is done to training rows before: balancing classes, selecting features,
        filling gaps.
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
        (``+rose``, ``+class-weights``, ``+smote``), selects features (``+lasso-select``, ``+pca``; several
        work in the order in which they are written) or fills gaps (``+knn-impute``), or a learner (``+svm``,
        ``+random-forest``) that takes the place of the default one, with settings of its own. A setting may
        be a range, ``C=log(0.1,100)``, that ``+tuned:budget=20`` searches inside the training part.
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
    first, *after = split_steps(spec.strip())
    method, _, text = first.partition(":")
    method = method.strip()
    given = read_settings(text, spec) | settings
    check_settings("method", method, entries[method].cls().get_params(deep=False), given)
    shown = ",".join(f"{name}={json.dumps(value, default=str)}" for name, value in settings.items())
    whole = first.strip() if not shown else f"{first.strip()}{',' if text else ':'}{shown}"
    parts = [_part(part, spec) for part in after]
    made = tuple(part for part in parts if part[0] in steps)
    learns = [part for part in parts if part[0] in learners]
    if len(learns) > 1:
        names = " and ".join(name for name, _ in learns)
        raise MedgraftError(f"In the arm '{spec}' {names} are both learners: keep one of them.")
    _check_ranges(spec, [given, *(said for _, said in parts)], made)
    for does, what in (("balance", "balance classes"), ("fill", "fill gaps"), ("tune", "tune")):
        same = [name for name, _ in made if steps[name].does == does]
        if len(same) > 1:
            raise MedgraftError(f"In the arm '{spec}' {' and '.join(same)} both {what}: keep one of them.")
    full = "+".join([whole, *(part.strip() for part in after)])
    return Arm(full, method, given, made, learns[0] if learns else None)


def _check_ranges(spec: str, settings: list[dict[str, Any]], made: tuple[tuple[str, Any], ...]) -> None:
    """Refuse ranges without a search, and a search without ranges."""
    ranged = any(is_range(value) for said in settings for value in said.values())
    tuned = any(steps[name].does == "tune" for name, _ in made)
    if ranged and not tuned:
        raise MedgraftError(f"The arm '{spec}' has a range to search: add +tuned, as in +tuned:budget=20.")
    if tuned and not ranged:
        raise MedgraftError(
            f"The arm '{spec}' has nothing to tune: give a setting a range, as in lr=log(1e-5,1e-2)."
        )


def _part(text: str, spec: str) -> tuple[str, dict[str, Any]]:
    name, _, settings = text.partition(":")
    name = name.strip()
    given = read_settings(settings, spec)
    kind = "learner" if name in learners else "step"
    if name not in learners and name not in steps:
        known = [*steps, *learners]
        hint = did_you_mean(name, known) or f" Known: {', '.join(sorted(known))}."
        raise MedgraftError(f"There is no step '{name}'.{hint}")
    cls = learners[name].cls if kind == "learner" else steps[name].cls
    check_settings(kind, name, cls().get_params(deep=False), given)
    return name, given


@dataclass(frozen=True)
class Workbench:
    """What an arm is built with: task, kind of data, and the network and the column of times if any.

    `parts` are all networks and radiomics that were given, `columns` the features beside images, `views` what
    methods for arrays read of signals, sequences and omics, `beside` the views that fusions read of any kind.
    """

    task: str
    kind: str
    pretrained: Any = None
    device: str = "auto"
    metric: str = "auto"
    time: str | None = None
    aggregate: str | None = None
    parts: tuple[Any, ...] = ()
    columns: tuple[str, ...] = ()
    views: ViewFeatures | None = None
    beside: tuple[ViewFeatures, ...] = ()

    @property
    def sources(self) -> tuple[Any, ...]:
        """Everything that fusions read but for the columns: of a network without weights there is nothing."""
        return (*(part for part in self.parts if getattr(part, "trained", True)), *self.beside)

    @property
    def sklearn_task(self) -> str:
        """The task as estimators name it: ``classification``, ``regression`` or ``segmentation``."""
        return self.task if self.task in ("regression", "segmentation") else "classification"

    @property
    def featuriser(self) -> Any:
        """What turns samples into an array for methods that do not open them; None where nothing can."""
        if self.views is not None:
            return self.views
        if self.kind not in PICTURES or self.pretrained is None:
            return None
        from medgraft.methods.finetune.features import BackboneFeatures

        return BackboneFeatures(self.pretrained, device=self.device)


def build(
    arm: Arm, bench: Workbench, seed: int, others: tuple[Arm, ...] = (), control: Arm | None = None
) -> Any:
    """Return the unfitted estimator of an arm.

    On images a method for arrays stands behind the pretrained network's frozen features; a network
    method reads the images itself. ``guarded`` receives every other arm of the trial as a candidate. A step
    that balances classes or selects features is the learner inside the method, where rows are encoded,
    weighted and aligned already, and holds the step written after it, the last one the arm's own learner if
    it names one; one that fills gaps stands around the method. Each learns from training rows alone.

    Parameters
    ----------
    arm : Arm
    bench : Workbench
    seed : int
        Goes into ``random_state``.
    others : tuple of Arm
        The candidates of ``guarded``, and the members of an ensemble.
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
    several = bench.task == "multilabel"
    at_once = several and bench.task in arm.entry.tasks
    offered = {
        "task": bench.task if at_once else bench.sklearn_task,
        "random_state": seed,
        "source": bench.pretrained,
        "device": bench.device,
        "metric": bench.metric,
        "time": bench.time,
        "aggregate": bench.aggregate,
        "sources": bench.sources,
        "columns": bench.columns,
    }
    params = {name: value for name, value in offered.items() if name in known} | arm.settings
    if "source" in arm.settings:
        params["source"] = _named(arm, bench)
    if issubclass(cls, Guarded):
        if bench.featuriser is not None:
            params["featuriser"] = bench.featuriser
        if any(trains_network(o) for o in (*others, *filter(None, (control,)))):
            params.setdefault("inner_folds", 1)
        params["candidates"] = {other.name: build(other, bench, seed, others, control) for other in others}
        params["control"] = None if control is None else build(control, bench, seed)
        params["control_name"] = None if control is None else control.name
        return cls(**params)
    if arm.entry.family == "ensemble":
        members = members_of(arm, others, control)
        if any(m.entry.family != "guard" and trains_network(m) for m in members.values()):
            params.setdefault("inner_folds", 1)
        return cls(**params | {"candidates": {n: build(m, bench, seed) for n, m in members.items()}})
    inner = [(steps[name].cls, said) for name, said in arm.steps if steps[name].around == "learner"]
    if arm.learner is not None:
        inner.append((learners[arm.learner[0]].cls, arm.learner[1]))
    for made, settings in reversed(inner):  # data go through them in the order in which they are written
        filled = {"task": bench.sklearn_task, "random_state": seed, "estimator": params.get("estimator")}
        own = made().get_params(deep=False)
        params["estimator"] = made(**{k: v for k, v in filled.items() if k in own}, **settings)
    estimator = cls().set_params(**params)
    for name, settings in arm.steps:
        if steps[name].around == "method":
            estimator = steps[name].cls(estimator, random_state=seed, **settings)
    if several and not at_once:
        estimator = MultiLabel(estimator)
    if bench.featuriser is not None and not arm.entry.reads_media and arm.method != "majority":
        estimator = Pipeline(bench.featuriser, estimator)
    for name, settings in arm.steps:
        if steps[name].does == "tune":
            estimator = _tuned(steps[name].cls, settings, arm, estimator, bench, seed)
        elif steps[name].does == "keep":
            told = {"task": bench.sklearn_task, "random_state": seed} | settings
            estimator = steps[name].cls(estimator, **told)
    return estimator


def _named(arm: Arm, bench: Workbench) -> Any:
    """Return the network that an arm names, unless it reads another kind than single methods do."""
    found = named(bench.parts, str(arm.settings["source"]))
    if bench.kind in SEEN and found.kind != bench.kind and bench.task != "segmentation":
        raise MedgraftError(
            f"'{arm.name}': '{found}' reads the kind {found.kind}, and {arm.method} the kind {bench.kind} "
            f"alone: use fusion:parts={found.facts.architecture}."
        )
    return found


def trains_network(arm: Arm) -> bool:
    """Whether a fit of the arm trains a network; the others read frozen features, which are kept."""
    return arm.entry.reads_media and arm.method not in ("linear-probe", *FUSING)


def _tuned(cls: Any, settings: dict[str, Any], arm: Arm, estimator: Any, bench: Workbench, seed: int) -> Any:
    """Put a search around an estimator some of whose parameters are ranges."""
    inside = estimator.get_params(deep=True)
    space = {path: value for path, value in sorted(inside.items()) if is_range(value)}
    own: dict[str, Any] = {"metric": bench.metric, "time": bench.time, "aggregate": bench.aggregate}
    own["random_state"] = seed
    if trains_network(arm):
        own["inner_folds"] = 1
    return cls(estimator, space, task=bench.sklearn_task, **own | settings)


def _check_steps(arm: Arm, bench: Workbench) -> None:
    if (arm.steps or arm.learner) and arm.entry.family in ("guard", "ensemble"):
        does = "chooses among" if arm.entry.family == "guard" else "joins"
        raise MedgraftError(
            f"'{arm.name}': {arm.method} {does} the other arms, so add the step or learner to one of those."
        )
    if arm.learner is not None:
        name, tasks = arm.learner[0], learners[arm.learner[0]].tasks
        if not learners[name].does(bench.task):
            raise MedgraftError(f"'{arm.name}': {name} does {', '.join(tasks)}, and this is {bench.task}.")
        _check_place(arm, name)
    for name, _ in arm.steps:
        if steps[name].around == "arm":
            if bench.task == "multilabel":
                raise MedgraftError(f"'{arm.name}': {name} works for one label, and this is multilabel.")
            continue
        if steps[name].around == "method":
            if arm.entry.reads_media:
                raise MedgraftError(f"'{arm.name}': {arm.method} reads images, which have no gaps to fill.")
        elif bench.task == "regression" and steps[name].does == "balance":
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
