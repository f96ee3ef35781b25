"""A trial: transfer as an arm beside its controls, on the same splits, planned and resumable."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medgraft.base import MedgraftError, did_you_mean
from medgraft.cohort import Cohort, Split
from medgraft.cohort.media import SEEN
from medgraft.cohort.segmentation import SEGMENTATION, mask_values
from medgraft.cohort.time import early_blocks
from medgraft.evidence import default_metric
from medgraft.evidence.metrics import metrics
from medgraft.methods.finetune import ranks
from medgraft.methods.finetune.activations import forget
from medgraft.sources import Pretrained
from medgraft.sources import source as source_of
from medgraft.sources.radiomics import Radiomics
from medgraft.trial.alike import read_alike, reading_of, views_of
from medgraft.trial.arms import Arm, Workbench, build
from medgraft.trial.assemble import assemble
from medgraft.trial.choose_arms import choose_arms, control_name
from medgraft.trial.deliver import deliver
from medgraft.trial.describe import question
from medgraft.trial.design import design
from medgraft.trial.examples import draw_examples
from medgraft.trial.explained import explain
from medgraft.trial.folder import can_resume, check, close, prepare
from medgraft.trial.members import members_of, pool
from medgraft.trial.numbers import check_numbers
from medgraft.trial.parts import FUSING
from medgraft.trial.patients import joined
from medgraft.trial.plan import Plan, describe, digest
from medgraft.trial.progress import Progress
from medgraft.trial.result import Result
from medgraft.trial.tasks import TrainingData, seed_of
from medgraft.trial.together import follow
from medgraft.trial.work import run_tasks

if TYPE_CHECKING:
    from medgraft.cohort.audit import Audit


Source = Pretrained | Radiomics | Cohort | str


class Trial:
    """Compare transfer with no transfer, on the same patients, and say whether it helped.

    Use it whenever a model is to profit from other data than the cohort at hand. It is not a
    substitute for an external validation: its figures hold for patients like those of the cohort.

    For an arm *a*, the control *c* and a metric *M*, the trial estimates
    ``d = E[M(a)] - E[M(c)]`` over patients of the target domain and over draws of the training part,
    with a 95 % interval by resampling patients (and repeats). ``d`` clear of zero is ``helps`` or
    ``harms``; anything else is ``inconclusive``.

    Parameters
    ----------
    cohort : Cohort
        The patients; rows outside `target` are source rows.
    arms : sequence of Arm or str, optional
        What to compare; default the methods registered as defaults, with all controls. ``"*"`` is every
        method that can run, ``"*shift*"`` those of that name.
    source : Pretrained, Radiomics, Cohort, name of a network, or sequence of them, optional
        Pretrained networks, radiomics and further labelled cohorts. Of several networks an arm takes the
        first, or the one that it names (``linear-probe:source=resnet18``); ``fusion`` and ``cascade`` take
        all, each for the kind that it reads, with the features beside them.
    target : str, optional
        The target domain, where the cohort has domains.
    test : Cohort, optional
        External test set; replaces the folds.
    metric : str, optional
        Default AUROC (binary), balanced accuracy (multiclass), quadratic kappa (ordinal), macro AUROC
        (multilabel), MAE (regression), Dice (segmentation).
    folds : int, "domain" or "time", default 5
        "time": each patient in turn is the target, early records teach and later ones test.
    repeats : int, default 1
    labels_per_class : int or sequence of int, optional
        How few target labels there are; several give a learning curve, the first is the headline.
    seed : int, default 0
    jobs : int, default 1
        Processes; figures do not depend on it. -1: all cores for tables, and one process for networks.
    device : {"auto", "cpu", "cuda", "mps"}
    budget : float, optional
        CPU seconds; an arm that is predicted to exceed what is left is skipped, and said to be.
    first : float, default 0.3
        Share of each patient's records that teach, with ``folds="time"``.
    examples : bool, default False
        Of a segmentation: draw the median and the worst test sample into the run folder, for the report.
        These are pictures of patients.
    aggregate : {"mean", "max", "vote", "noisy-or"}, optional
        How the rows of a patient become one prediction before anything is scored; see
        `medgraft.evidence.aggregate`.
    views : sequence of str
        What methods for arrays read of signals, sequences and omics: ``"band-power"``, ``"kmers:k=4"``; see
        `medgraft.methods.views.ViewFeatures`.
    reading : str
        How these are brought to one shape, as far as it is not to be found out: ``"rate=100,seconds=2"``; see
        `medgraft.sources.arrays.agreed`.
    caution : str
        What must be read before any figure, such as that the data are generated, or leak on purpose: it
        stands first in the result's warnings, the report and the model card.

    Raises
    ------
    MedgraftError
        The cohort cannot be split as asked, or an arm cannot run on it.

    Notes
    -----
    Time is the sum over arms and splits of one fit each; frozen features are computed once and kept.

    Examples
    --------
    >>> import numpy as np, pandas as pd, tempfile
    >>> import medgraft as mg
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(120, 3))
    >>> frame = pd.DataFrame(x, columns=["a", "b", "c"])
    >>> frame["ill"] = np.where(x[:, 0] + rng.normal(size=120) > 0, "yes", "no")
    >>> frame["site"] = np.where(np.arange(120) < 80, "north", "south")
    >>> cohort = mg.read(frame, label="ill", domain="site")
    >>> trial = mg.Trial(cohort, ["target-only", "pooled"], target="south", labels_per_class=5, folds=2)
    >>> with tempfile.TemporaryDirectory() as out:
    ...     result = trial.run(out)
    >>> [a["name"] for a in result.arms]
    ['target-only', 'pooled']
    """

    def __init__(
        self,
        cohort: Cohort,
        arms: Sequence[Arm | str] | None = None,
        *,
        source: Source | Sequence[Source] | None = None,
        target: str | None = None,
        test: Cohort | None = None,
        metric: str | None = None,
        folds: int | str = 5,
        repeats: int = 1,
        labels_per_class: int | Sequence[int] = (),
        seed: int = 0,
        jobs: int = 1,
        device: str = "auto",
        budget: float | None = None,
        first: float = 0.3,
        examples: bool = False,
        aggregate: str | None = None,
        views: Sequence[str] = (),
        reading: str = "",
        caution: str = "",
    ) -> None:
        given: list[Any] = [source] if isinstance(source, Source) else list(source or ())
        sources = [source_of(s) for s in given]
        parts: list[Pretrained | Radiomics] = [s for s in sources if isinstance(s, Pretrained | Radiomics)]
        for given_cohort in (cohort, test, *(s for s in sources if isinstance(s, Cohort))):
            if given_cohort is not None and not isinstance(given_cohort, Cohort):
                raise MedgraftError("A trial takes cohorts: read files and tables with mg.read first.")
        check_numbers(folds=folds, repeats=repeats, seed=seed, jobs=jobs, budget=budget)
        budgets = [labels_per_class] if isinstance(labels_per_class, int | str) else list(labels_per_class)
        for count in budgets:
            check_numbers(labels_per_class=count)
        if parts and cohort.kind == "table":
            what = "network" if isinstance(parts[0], Pretrained) else "source"
            raise MedgraftError(
                f"The {what} '{parts[0]}' reads images, but '{cohort.name}' is a table: leave it out."
            )
        found, self.said = read_alike([cohort, *sources], reading, test)
        self.readings = found
        if cohort.task != SEGMENTATION:
            parts = [reading_of(s, cohort.kinds, found) if isinstance(s, Pretrained) else s for s in parts]
        networks = [s for s in parts if isinstance(s, Pretrained)]
        seen = self._views = views_of(views, found)
        read = {s.kind for s in networks if s.trained}
        if cohort.task != SEGMENTATION:  # methods that read one kind read the first
            networks = [s for s in networks if s.kind == cohort.kind]
        self.network = next((s for s in networks if s.trained), next(iter(networks), None))
        self._cohorts = (cohort, test, [s for s in sources if isinstance(s, Cohort)])
        self.design = design(
            cohort,
            sources=[s for s in sources if isinstance(s, Cohort)],
            test=test,
            target=target,
            folds=folds,
            repeats=repeats,
            labels_per_class=tuple(int(count) for count in budgets),
            seed=seed,
            first=first,
        )
        self.design = joined(self.design, aggregate)
        if examples and self.task != SEGMENTATION and self.design.data.kind != "image":
            raise MedgraftError(
                f"Examples are drawn of outlines and of images, and this is {self.task} of a "
                f"{self.design.data.kind}: leave them out."
            )
        self.examples = examples
        self.arms = choose_arms(arms, self.design, networks)
        met = self.design.satisfied(networks)
        self.control = control_name(self.design, met, self.arms)
        self.metric = metric or default_metric(self.task)
        if self.metric not in metrics or self.task not in metrics[self.metric].tasks:
            known = [m for m in metrics if self.task in metrics[m].tasks]
            hint = did_you_mean(self.metric, known) or f" It has: {', '.join(known)}."
            raise MedgraftError(f"A {self.task} trial has no metric '{self.metric}'.{hint}")
        self.jobs, self.budget, self.caution = jobs, budget, caution
        d = self.design
        columns = d.data.features if d.data.kind in SEEN else ()
        self.bench = Workbench(
            self.task,
            d.data.kind,
            self.network,
            device,
            self.metric,
            d.time,
            d.aggregate,
            tuple(parts),
            columns,
            seen.get(d.data.kind),
            tuple(view for kind, view in seen.items() if view.views or kind not in read),
        )
        self.splits: list[Split] = list(self.design.splits)

    def __repr__(self) -> str:
        """Say what is compared on what, and nothing of any patient."""
        arms = ", ".join(a.name for a in self.arms)
        return (
            f"Trial({self.design.data.name!r}, {self.design.kind}, {len(self.splits)} splits, arms: {arms})"
        )

    @property
    def task(self) -> str:
        """The cohort's task."""
        return self.design.data.task

    @cached_property
    def arrays(self) -> TrainingData:
        """The arrays that every fit slices."""
        d = self.design.data
        n_classes = None if d.classes is None else len(d.classes)
        blocks = None
        if self.design.kind == "time-ordered":
            blocks = early_blocks(d, self.splits)
        protected = d.table[list(d.protected)] if d.protected else None
        outlines = mask_values(d) if self.task == SEGMENTATION else None
        X = d.inputs if any(a.method in FUSING for a in self._with_members()) else d.X
        return TrainingData(
            X,
            d.y,
            None if d.group is None else d.groups,
            d.domains,
            self.design.target,
            n_classes,
            protected,
            outlines,
            blocks,
            keep_masks=self.examples and self.task == SEGMENTATION,
        )

    @property
    def threads(self) -> int | None:
        """One for tables, so that figures do not depend on how many jobs run; all for networks."""
        return 1 if self.bench.kind == "table" else None

    def _candidates(self, a: Arm) -> tuple[Arm, ...]:
        """What ``guarded`` may choose from and an ensemble joins: every other arm that learns something."""
        return tuple(o for o in pool(self.arms, self.control) if o is not a)

    def _with_members(self) -> list[Arm]:
        """All arms, and what ensembles join beside them."""
        own = next((a for a in self.arms if a.name == self.control), None)
        joining = [a for a in self.arms if a.entry.family == "ensemble"]
        members = [m for a in joining for m in members_of(a, self._candidates(a), own).values()]
        return [*self.arms, *members]

    def build(self, a: Arm, split: Split) -> Any:
        """Return the unfitted estimator of an arm for a split; its seed depends on the split alone."""
        return self._build(a, seed_of(self.design.seed, split.repeat, split.fold, split.budget))

    def _build(self, a: Arm, seed: int) -> Any:
        control = next((o for o in self.arms if o.name == self.control), None)
        return build(a, self.bench, seed, self._candidates(a), control)

    @cached_property
    def _plan(self) -> Plan:
        import medgraft

        d = self.design
        source = "".join(part.fingerprint() for part in self.bench.parts)
        source += "".join(view.fingerprint() for view in self._views.values())
        progress = Progress(self.progress)
        with progress.bar("Planning", len(self.arms)) as step:
            arms = describe(self.arms, lambda a: self._build(a, 0), self.arrays, self.splits, step)
        facts = {
            "sentence": question(self),
            "kind": d.kind,
            "folds": d.folds,
            "repeats": d.repeats,
            "labels_per_class": list(d.labels_per_class),
            "seed": d.seed,
            "target": d.target,
            "metric": self.metric,
            "control": self.control,
            "aggregate": d.aggregate,
            "grouped": d.data.group is not None,
        }
        return Plan(arms, facts, digest(d, self.arms, source, self.metric, medgraft.__version__))

    progress: bool = False

    def plan(self) -> Plan:
        """Return what will load, adapt and freeze, at which rates, and the predicted CPU minutes.

        Costs one fit of each array method and a few steps of each network.
        """
        return self._plan

    @cached_property
    def _audit(self) -> Audit:
        from medgraft.cohort.audit import audit

        cohort, test, sources = self._cohorts
        with Progress(self.progress).bar("Audit", 1) as step:
            found = audit(cohort, test=test, sources=sources, folds=max(2, self.design.folds))
            step("done")
        return found

    def audit(self) -> Audit:
        """Return the leaks, duplicates and confounds of the trial's data: see :func:`medgraft.audit`.

        Costs one decoding of every sample; `run` does it before anything is trained.
        """
        return self._audit

    def run(
        self, out: str | Path, *, resume: bool = False, progress: bool = False, command: str = ""
    ) -> Result:
        """Run every arm on every split and write the run folder.

        Parameters
        ----------
        out : path
            The run folder: ``result.json``, ``predictions.parquet``, ``splits.parquet``, ``plan.json``,
            ``log.jsonl`` and ``graft/``. What an earlier run left there is replaced.
        resume : bool, default False
            Keep the fits that an interrupted run of the same trial finished.
        progress : bool, default False
            Show progress bars.
        command : str
            How the run was started, for the report.

        Returns
        -------
        Result

        Raises
        ------
        MedgraftError
            `resume` is asked for in a folder that holds a different trial.
        """
        if ranks.join() > 0:
            return follow(self)
        self.progress = progress
        out = Path(out)
        check(out)
        plan = ranks.same(self.plan())
        self.audit()
        if ranks.same(resume and can_resume(out, plan)):
            return ranks.same(Result.read(out))
        prepare(out, plan, self.design.splits, resume)
        wall = time.perf_counter()
        outcomes, skipped = run_tasks(self, out, plan, Progress(progress))
        with ranks.alone():  # the others wait for the result
            with Progress(progress).bar("Evidence", 1) as step:
                step("intervals")
                result = assemble(self, outcomes, skipped, command, time.perf_counter() - wall)
            if self.examples and self.task == SEGMENTATION:
                draw_examples(self, outcomes, result, out)
            deliver(self, out, result)
            with Progress(progress).bar("Explanation", 1) as step:
                step("columns or maps")
                explain(self, result, out)
            forget()
            result.write(out)
            close(out)
        return ranks.same(Result.read(out))
