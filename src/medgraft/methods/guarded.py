"""First, do no harm: deliver a transfer only where it beats the control on held-out target patients."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from medgraft.methods.base import classifies
from medgraft.methods.controls.source_only import SourceOnly
from medgraft.methods.controls.target_only import TargetOnly
from medgraft.methods.inner_choice import InnerChoice
from medgraft.methods.nesting import Choosing
from medgraft.methods.registry import entries, method
from medgraft.methods.table import InputError

UNLABELLED = ("importance-weighted", "circular")


@method(
    "guarded",
    family="guard",
    needs=("source",),
    cost="(inner folds) x (candidates) fits, and one more",
    refs=(
        "Breiman, Friedman, Olshen and Stone 1984, section 3.4.3 (the rule of one standard error)",
        "Bruzzone and Marconcini 2010, doi:10.1109/TPAMI.2009.57 (circular validation)",
    ),
    default=True,
)
class Guarded(Choosing):
    """Choose among transfer methods inside the training part; keep the control unless one is clearly better.

    Use it as the arm to deliver: it cannot be fooled by its own test set, since it never sees one. Not to
    learn which method is best (compare arms in a trial for that).

    The labelled target patients are split, whole patients together and stratified by class. Every
    candidate and the control are fitted without the held-out part (all source rows and unlabelled rows stay
    in training) and predict it. `medgraft.evidence.choose` compares these predictions; the choice is fitted
    again on all rows. Where no target patient has a label, `medgraft.evidence.choose_unlabelled` compares
    predictions of held-out source patients instead, weighted by the density ratio target/source: right if the
    rule is the same on both sides; the control (``source-only``) is kept in doubt, and where fewer than ten
    source patients are like the target's. Or ("circular") an arm
    labels the target's patients, learns from them the way back, and predicts the held-out source patients.

    Parameters
    ----------
    candidates : dict of name to estimator, optional
        Arms to choose from; default the transfer methods registered as defaults that read arrays and do the
        task.
    control : estimator, optional
        What to fall back to; default ``target-only``, or ``source-only`` where no target patient has a label.
    control_name : str, optional
        What to call the control; default its registry name.
    metric : str
        What to choose by; "auto" is the default metric of the task.
    inner_folds : int
        Folds; 1 means one split, three quarters to train and one to compare.
    rule : str
        "one-se", "family" or "best": see `medgraft.evidence.choose`.
    unlabelled : str
        How to choose where no target patient has a label: "importance-weighted" or "circular".
    featuriser : object, optional
        Turns X into numbers (``transform(X)``) where it holds none, as a network does with images: source
        patients are then weighted by leading principal components of these.
    time : str, optional
        Column of times of a target that is to be forecast: inner fits then learn from earlier rows of the
        target only, in up to five stretches of time, of which all but the first are predicted.
    margin : float
        How much worse than the control, in units of the metric, a candidate may be for some subgroup of
        `subgroups` before it is passed over.
    aggregate : str, optional
        How the rows of a patient are joined before arms are compared; see `medgraft.evidence.aggregate`.
    task : str
        ``"classification"`` or ``"regression"``.
    random_state : int
        Seed of the inner splits, of default candidates and of the comparison.

    Attributes
    ----------
    choice_ : str
        Name of the arm chosen; the control's is its registry name, or "control".
    best_ : estimator
        The choice, fitted on all training rows.
    report_ : dict
        JSON-able: "choice", "control", "reason" (a sentence), "metric", "inner_folds", "n_labelled",
        "n_patients", "table" (one dict an arm: value, difference, standard error) and "skipped" (arms
        that could not be fitted, with the reason).
    classes_ : array (K,)
        Labels, sorted (classification only).
    n_features_in_ : int
        Columns of X.

    Raises
    ------
    MedgraftError
        The control itself cannot be fitted; an unknown metric or rule.

    Notes
    -----
    Inside, arms learn from fewer target labels than the final fit does, which favours transfer a little; the
    standard error that a candidate must exceed stands against it. X may be a DataFrame of image paths: it is
    only cut by rows.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(230, 5))
    >>> y = X @ [3.0, 2.0, 1.0, -2.0, 1.0] + rng.normal(size=230)
    >>> site = ["a"] * 200 + ["b"] * 30
    >>> m = Guarded(task="regression").fit(X, y, domain=site, target="b")
    >>> m.choice_ in {"ulsif", "coral", "l2sp", "target-only"}, m.report_["n_patients"]
    (True, 30)
    """

    falls_back_to_pooled = False  # without sources there is only its control

    def __init__(
        self,
        candidates: dict[str, Any] | None = None,
        control: Any = None,
        *,
        control_name: str | None = None,
        metric: str = "auto",
        inner_folds: int = 3,
        rule: str = "one-se",
        time: str | None = None,
        margin: float = 0.0,
        unlabelled: str = "importance-weighted",
        aggregate: str | None = None,
        featuriser: Any = None,
        task: str = "classification",
        random_state: int = 0,
    ) -> None:
        self.candidates = candidates
        self.control = control
        self.control_name = control_name
        self.metric = metric
        self.inner_folds = inner_folds
        self.rule = rule
        self.time = time
        self.margin = margin
        self.unlabelled = unlabelled
        self.aggregate = aggregate
        self.featuriser = featuriser
        self.task = task
        self.random_state = random_state

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
        subgroups: Any = None,
    ) -> Self:
        """Choose, and fit the choice; parameters as in `TransferEstimator.fit`.

        `subgroups` (DataFrame or dict of arrays (n,)) holds attributes that are no features: a candidate that
        is shown to be worse than the control for one of their subgroups is passed over.
        """
        if not self.margin >= 0:
            raise InputError(f"margin must be 0 or more, not {self.margin!r}.")
        if self.unlabelled not in UNLABELLED:
            raise InputError(f"unlabelled must be one of {', '.join(UNLABELLED)}, not {self.unlabelled!r}.")
        columns = {"domain": domain, "labelled": labelled, "sample_weight": sample_weight, "groups": groups}
        given, rows = self._given(X, y, target, **columns)
        name, control = self._control(bool((rows.target & rows.labelled).any()))
        arms = {name: control, **{k: v for k, v in self._candidates().items() if k != name}}
        told = {} if subgroups is None else {str(k): np.asarray(subgroups[k]) for k in subgroups}
        inner = InnerChoice(
            self.metric,
            self.inner_folds,
            self.rule,
            self.time,
            self.margin,
            self.unlabelled,
            self.random_state,
            self.aggregate,
            self.featuriser,
        )
        self.report_ = inner.choose(given, rows, arms, name, told)
        self.choice_ = self.report_["choice"]
        self.best_ = given.fit(arms[self.choice_], rows.index)
        return self

    def _control(self, has_labels: bool) -> tuple[str, Any]:
        control = self.control
        if control is None:
            cls = TargetOnly if has_labels else SourceOnly
            control = cls(task=self.task, random_state=self.random_state)
        names = [n for n, m in entries.items() if m.cls is type(control)]
        return self.control_name or (names or ["control"])[0], control

    def _candidates(self) -> dict[str, Any]:
        if self.candidates is not None:
            return dict(self.candidates)
        kind = "binary" if classifies(self) else "regression"
        return {
            n: m.cls(task=self.task, random_state=self.random_state)
            for n, m in entries.items()
            if m.default
            and m.role == "transfer"
            and m.family != "guard"
            and m.reads_tables
            and kind in m.tasks
        }
