"""Settings of an arm, searched on inner splits of its own training part."""

from __future__ import annotations

import math
import time as clock
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sklearn.base import clone

from medgraft.base import MedgraftError
from medgraft.evidence import Metric, default_metric
from medgraft.evidence.metrics import metrics
from medgraft.methods.inner_fits import Given, by_patient, held_out_folds, nothing_to_compare, out_of_fold
from medgraft.methods.nesting import Choosing
from medgraft.methods.prepare.registry import step
from medgraft.methods.rows import Rows
from medgraft.methods.splits import Ints
from medgraft.methods.table import InputError
from medgraft.methods.tuning.ranges import read_range
from medgraft.search import Space, searches


class _OutOfTime(Exception):
    """The seconds are spent: ends a search from within its objective."""


@dataclass(frozen=True)
class _Inner:
    """Inner splits of some rows, on which settings are judged."""

    metric: Metric
    given: Given
    rows: Rows
    at: Ints
    fold: Ints
    parts: list[int]
    forward: bool
    aggregate: str | None

    def value(self, arm: Any) -> float:
        """Metric of the arm's predictions of rows that it did not learn from."""
        held = np.isin(self.fold, self.parts)
        P = out_of_fold(self.given, self.rows, self.at, self.fold, self.parts, arm, forward=self.forward)
        places = self.at[held]
        y, preds = self.rows.y[places], {"arm": P[held]}
        told: dict[str, Any] = {
            "group": self.rows.units[places],
            "fold": self.fold[held],
            "weight": self.rows.weight[places],
        }
        if self.aggregate is not None:
            y, preds, told = by_patient(y, preds, told, self.aggregate)
        return self.metric.value(y, preds["arm"], told["weight"], told["fold"])


@step(
    "tuned",
    around="arm",
    does="tune",
    refs=("Varma and Simon 2006, doi:10.1186/1471-2105-7-91 (why the search stands inside the fold)",),
)
class Tuned(Choosing):
    r"""Search settings on inner splits that keep patients whole, then fit with the best ones.

    Use it where a setting matters and nobody knows its value for these patients: write ranges in an arm,
    ``finetune:lr=log(1e-5,1e-2),unfreeze=choice(0.2,0.5)+tuned:budget=20``. Not with a few dozen labels: the
    best of twenty noisy figures is then mostly noise, and costs sixty fits.

    It maximises the metric M of held-out predictions, :math:`M(y, \hat p_{-f}(x; \theta))`, over settings
    :math:`\theta`: target patients, whole, are held out in turn (source patients where no target patient has
    a label), and the arm is fitted without them. The best settings are fitted again on all rows. The figure
    of the search is not the arm's figure: that comes from rows that no search has seen.

    Parameters
    ----------
    estimator : estimator
        The arm.
    space : dict of str to str
        Parameters of `estimator` (``"estimator__C"`` is one of the estimator inside it) and their ranges: see
        `medgraft.methods.tuning.ranges.read_range`.
    search : str
        Optimiser: a name in `medgraft.search.searches`.
    budget : int
        Settings that are tried, at most. A setting's default is tried first where it is in its range, the
        middle of the range where not.
    seconds : float, optional
        No new settings are tried after so much time; the choice then depends on the machine.
    inner_folds : int
        Folds; 1 means one split, three quarters to train and one to compare.
    metric : str
        What to choose by; "auto" is the default metric of the task.
    time : str, optional
        Column of times of a target that is to be forecast, as in `guarded`.
    aggregate : str, optional
        How the rows of a patient are joined before settings are judged; see `medgraft.evidence.aggregate`.
    task : str
        ``"classification"`` or ``"regression"``.
    random_state : int
        Seed of the inner splits and of the search.

    Attributes
    ----------
    best_ : estimator
        The arm with the best settings, fitted on all training rows.
    settings_ : dict
        These settings.
    report_ : dict
        JSON-able: "settings", "value" (of the metric on inner splits), "metric", "tried" (settings and value,
        in order).
    note_ : str
        The settings chosen, and the arm's own note.

    Notes
    -----
    Cost: (budget x inner folds + 1) fits of the arm; settings that come up again are not fitted again.

    Examples
    --------
    >>> from medgraft.methods.controls.pooled import Pooled
    >>> from medgraft.methods.learners.svm import SVMLearner
    >>> x = np.linspace(-1, 1, 60)[:, None]
    >>> m = Tuned(Pooled(estimator=SVMLearner()), {"estimator__C": "log(0.1,10)"}, search="random", budget=2)
    >>> list(m.fit(x, (x[:, 0] > 0).astype(int)).settings_)
    ['estimator__C']
    """

    falls_back_to_pooled = False

    def __init__(
        self,
        estimator: Any = None,
        space: dict[str, str] | None = None,
        *,
        search: str = "pso",
        budget: int = 20,
        seconds: float | None = None,
        inner_folds: int = 3,
        metric: str = "auto",
        time: str | None = None,
        aggregate: str | None = None,
        task: str = "classification",
        random_state: int = 0,
    ) -> None:
        self.estimator = estimator
        self.space = space
        self.search = search
        self.budget = budget
        self.seconds = seconds
        self.inner_folds = inner_folds
        self.metric = metric
        self.time = time
        self.aggregate = aggregate
        self.task = task
        self.random_state = random_state

    @property
    def fits(self) -> int:
        """How often the arm is fitted, at most."""
        return self.budget * self.inner_folds + 1

    def at_start(self) -> Any:
        """Return the arm with the settings that are tried first, unfitted."""
        return self._with(self._start(self._space()))

    def _space(self) -> Space:
        return Space({path: read_range(text) for path, text in (self.space or {}).items()})

    def fit(
        self,
        X: Any,
        y: Any,
        *,
        domain: Any = None,
        target: str | None = None,
        labelled: Any = None,
        sample_weight: Any = None,
        groups: Any = None,
    ) -> Self:
        """Search, and fit with what was found; parameters as in `TransferEstimator.fit`.

        Raises
        ------
        MedgraftError
            A range that cannot be read, a setting that the arm does not have, or no settings with which it
            can be fitted.
        """
        columns = {"domain": domain, "labelled": labelled, "sample_weight": sample_weight, "groups": groups}
        given, rows = self._given(X, y, target, **columns)
        space = self._space()
        start = self._start(space)
        own = np.flatnonzero(rows.target & rows.labelled)
        at = own if len(own) else np.flatnonzero(rows.source & rows.labelled)
        self.settings_: dict[str, Any] = start
        self.note_ = ""
        self.report_: dict[str, Any] = {"settings": start, "value": None, "metric": None, "tried": []}
        if why := nothing_to_compare(rows, at):
            self.note_ = f"Nothing was searched: {why}."
        else:
            task = "regression" if not rows.k else "binary" if rows.k == 2 else "multiclass"
            metric = metrics[default_metric(task) if self.metric == "auto" else self.metric]
            time = self.time if len(own) else None
            fold, parts = held_out_folds(rows, at, self.inner_folds, self.random_state, time)
            inner = _Inner(metric, given, rows, at, fold, parts, time is not None, self.aggregate)
            self._search(inner, space, start)
        self.best_ = given.fit(self._with(self.settings_), rows.index)
        self.note_ = " ".join(filter(None, (self.note_, getattr(self.best_, "note_", ""))))
        return self

    def _with(self, settings: Mapping[str, Any]) -> Any:
        made = clone(self.estimator).set_params(**settings)
        progress = getattr(self, "progress", None)
        if progress is not None:
            made.progress = progress
        return made

    def _start(self, space: Space) -> dict[str, Any]:
        """Defaults of the settings that are in their ranges, and the middle of the ranges of the others."""
        inside = self.estimator.get_params(deep=True)
        start = space.values(np.full(space.d, 0.5))
        for path, part in space.parts.items():
            if path not in inside:
                raise InputError(f"{type(self.estimator).__name__} has no setting '{path}' to search.")
            owner, _, name = path.rpartition("__")
            default = type(inside[owner] if owner else self.estimator)().get_params(deep=False)[name]
            try:
                part.place(default)
            except (MedgraftError, TypeError, ValueError):
                continue
            start[path] = default
        return start

    def _search(self, inner: _Inner, space: Space, start: dict[str, Any]) -> None:
        metric = inner.metric
        known: dict[tuple[Any, ...], float] = {}
        tried: list[dict[str, Any]] = []
        failed: list[MedgraftError] = []
        until = math.inf if self.seconds is None else clock.perf_counter() + self.seconds

        def value(settings: dict[str, Any]) -> float:
            try:
                return inner.value(self._with(settings))
            except MedgraftError as error:
                failed.append(error)
                return math.nan

        def loss(settings: dict[str, Any]) -> float:
            key = tuple(settings.values())
            if key not in known:
                if tried and clock.perf_counter() > until:
                    raise _OutOfTime
                known[key] = value(settings)
                tried.append({"settings": settings, "value": _jsonable(known[key])})
            return -metric.sign * known[key]

        with suppress(_OutOfTime):
            searches[self.search].minimise(
                loss, space, budget=self.budget, seed=self.random_state, start=start
            )
        if len(failed) == len(tried) and failed:
            raise failed[0]
        scored = [row for row in tried if row["value"] is not None]
        self.report_ |= {"metric": metric.name, "tried": tried}
        if not scored:
            self.note_ = f"{metric.name} is undefined on the inner splits, so that nothing was chosen."
            return
        best = max(scored, key=lambda row: metric.sign * row["value"])  # the first of equal ones
        self.settings_ = best["settings"]
        self.report_ |= best
        told = ", ".join(f"{k.rpartition('__')[2]} {_plain(v)}" for k, v in self.settings_.items())
        self.note_ = (
            f"Tuned to {told} ({metric.name} {best['value']:.3f} on inner splits, {len(tried)} tried)."
        )


def _jsonable(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _plain(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
