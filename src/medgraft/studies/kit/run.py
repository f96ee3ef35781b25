"""What a recipe is given: its data, its protocol, its networks, and where to put what it finds."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medgraft.base import MedgraftError
from medgraft.cohort import Cohort
from medgraft.evidence import Interval
from medgraft.sources import Pretrained
from medgraft.studies.kit import account, networks
from medgraft.studies.kit.found import Found
from medgraft.studies.kit.thin import thin

if TYPE_CHECKING:
    from medgraft.studies.kit.card import Study
    from medgraft.trial import Result


@dataclass
class Run:
    """One run of a study under one protocol.

    Use its methods in a recipe; `perform` makes it. The first experiment that a recipe records is its
    headline: that one's verdict is the study's.

    Attributes
    ----------
    study : Study
    data : Found
    out : Path
        The folder of this run; each trial gets one inside.
    protocol : {"honest", "as_published"}
    seed, repeats : int
    limit : int, optional
        At most so many samples of each class.
    backbones : sequence of str
        Networks given in place of the published ones.
    size : int, optional
        Pixels of a side that images are brought to; default the network's own.
    jobs : int
    progress : bool
    experiments : list of dict
        What was found so far.
    notes : list of str
        What every output says beside the figures.
    judged : dict of str -> Cohort
        The rows of each trial so far, by its folder: what its predictions number.
    """

    study: Study
    data: Found
    out: Path
    protocol: str = "honest"
    seed: int = 0
    repeats: int = 1
    limit: int | None = None
    backbones: Sequence[str] = ()
    size: int | None = None
    jobs: int = 1
    progress: bool = False
    experiments: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    judged: dict[str, Cohort] = field(default_factory=dict)

    @property
    def honest(self) -> bool:
        """Whether no test row may teach; otherwise the study's known leaks are repeated."""
        return self.protocol == "honest"

    @property
    def generated(self) -> bool:
        """Whether the data are generated, and everything is to be small."""
        return self.data.kind == "generated"

    @property
    def caution(self) -> str:
        """What every file of a trial says first: what the data are, and the leaks."""
        about = f"A run of the recipe of study [{self.study.ref}] {self.study.key}. {self.data.note}"
        if self.honest:
            given = {*self.data.folders}
            return "" if given and not given & {*self.study.stand_ins} else about
        leaks = "; ".join(self.study.leaks)
        return (
            f"{about} It leaks on purpose, as published: {leaks}. So where this file says that models never "
            "saw the rows that they were tested on, or counts rows as patients, it is as the study would "
            "have it. No model of it is kept: the arm that is said to be delivered is the one that would be."
        )

    def pick(self, full: Any, small: Any) -> Any:
        """Return a setting as the paper has it, or for generated data a small one."""
        return small if self.generated else full

    def note(self, sentence: str) -> None:
        """Say something in every output of the run, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def cohort(self, name: str | None = None, **roles: Any) -> Cohort:
        """Return one of the study's sets, with at most `limit` samples of each class.

        Parameters
        ----------
        name : str, optional
            Of the set; default the first.
        **roles
            Of :func:`medgraft.read`, for data that are not generated.
        """
        found = self.data.cohort(name, **roles)
        known = self.data.roles(name)
        if found.group is None and "group" in known and roles.get("group", known["group"]) == known["group"]:
            self.note(f"{found.name} names no patients in this layout: each row counts as one.")
        return thin(found, self.limit, self.seed)

    def sources(self, *published: str, channels: int = 3) -> list[Pretrained]:
        """Return the networks that stand for published ones (default all of the card), for a trial."""
        return networks.distinct(list(self._used(published).values()), self.size, channels)

    def called(self, published: str) -> str:
        """Return the name by which an arm asks for what stands for a published network."""
        facts = Pretrained(self._used(())[published]).facts
        return facts.architecture if facts.path is None else Path(facts.path).stem

    def each(self, arm: str, *published: str) -> list[str]:
        """Return an arm for every distinct network, ``{}`` in it replaced by the network's name.

        Parameters
        ----------
        arm : str
            As in ``"finetune:source={},epochs=5"``.
        *published : str
            Default all of the card.
        """
        names = [self.called(name) for name in published or self.study.networks]
        return [arm.format(name) for name in dict.fromkeys(names)]

    def told_networks(self) -> dict[str, str]:
        """Return what stood for each published network, without the folders of files."""
        if self.generated and not self.backbones:
            return dict.fromkeys(self.study.networks, "a small network that learnt generated images")
        return {name: spec.split("@")[0].rsplit("/", 1)[-1] for name, spec in self._used(()).items()}

    def _used(self, published: Sequence[str]) -> dict[str, str]:
        found = networks.used(self.study.networks, self.backbones, self.generated)
        return {name: found[name] for name in published or self.study.networks}

    def trial(
        self,
        title: str,
        cohort: Cohort,
        arms: Sequence[str],
        *,
        method: str,
        transfer: bool = True,
        **settings: Any,
    ) -> Result:
        """Run a trial and record it.

        Parameters
        ----------
        title : str
        cohort : Cohort
        arms : sequence of str
            The study's method, its baselines, and controls.
        method : str
            Which of the arms is the study's own.
        transfer : bool, default True
            Whether it transfers anything; otherwise its verdict counts for no transfer.
        **settings
            Of :class:`medgraft.Trial`; ``repeats`` and ``seed`` are those of the run unless given.

        Returns
        -------
        Result
        """
        from medgraft.trial import Trial

        place = self.out / re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
        settings = {"repeats": self.repeats, "seed": self.seed, "jobs": self.jobs} | settings
        settings["caution"] = self.caution
        made = Trial(cohort, list(dict.fromkeys(arms)), **settings)
        made.progress = self.progress
        resume = (place / "plan.json").exists()
        if resume and json.loads((place / "plan.json").read_text())["digest"] != made.plan().digest:
            raise MedgraftError(
                f"'{self.out}' holds a run with other data or settings: choose another --out."
            )
        result = made.run(place, resume=resume, progress=self.progress)
        if not self.honest:  # a model that has seen its test patients is for nobody
            shutil.rmtree(place / "graft", ignore_errors=True)
        told = account.of_trial(title, place.relative_to(self.out), result, method, self.seed)
        self.experiments.append(told | {"transfer": transfer})
        self.judged[told["folder"]] = made.design.data
        return result

    def record(
        self,
        title: str,
        metric: str,
        values: dict[str, Interval],
        *,
        method: str,
        control: str,
        difference: Interval,
        n: int,
        unit: str = "patients",
        greater_is_better: bool = True,
        verdict: str | None = None,
        why: str = "",
        patients: int | None = None,
    ) -> None:
        """Record an experiment that is no trial.

        Parameters
        ----------
        title, metric : str
        values : dict of str -> Interval
            Of each arm.
        method, control : str
            The study's arm, and the one without transfer.
        difference : Interval
            Method less control, paired.
        n : int
            Of independent units.
        unit : str
            What they are.
        greater_is_better : bool
        verdict, why : str, optional
            What a comparison said, and its reason; default what the interval of the difference says.
        patients : int, optional
            How many groups the units are in, where they are not independent.
        """
        told = (title, metric, values, method, control, difference, n, unit, greater_is_better, verdict, why)
        self.experiments.append(account.of_values(*told, patients))
