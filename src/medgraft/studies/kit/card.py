"""The card of a study: what it was, how much of that is known, and the recipe that repeats it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medgraft.base import Registry, check_name
from medgraft.cohort import Cohort
from medgraft.cohort.public import public_sets

if TYPE_CHECKING:
    from medgraft.studies.kit.run import Run

TAGS = ("read", "code", "remembered", "proposed")
TRANSFER = (
    "instance",
    "feature",
    "model",
    "fine-tuning",
    "self-supervised",
    "federated",
    "sequential",
    "ensemble",
    "zero-shot",
    "none",
)
Generator = Callable[[Path, int], "Cohort | Mapping[str, Cohort]"]


@dataclass(frozen=True)
class Fact:
    """Something that the recipe rests on, and how it is known.

    Attributes
    ----------
    text : str
    tag : str
        ``"read"`` in a public source, mostly an abstract, or the review's own row; ``"code"``: in the
        authors' code, or an ancestor's where the text says so; ``"remembered"`` and not verified;
        ``"proposed"``: ours, where the paper's detail could not be read.
    """

    text: str
    tag: str


@dataclass(frozen=True)
class Published:
    """A figure that the study's authors published, as read in `source`; never one of ours.

    Attributes
    ----------
    what : str
        Of which arm, on which data and split.
    metric : str
    value : float
    source : str
        Where it was read: ``"abstract"``, an address.
    """

    what: str
    metric: str
    value: float
    source: str


@dataclass(frozen=True)
class Study:
    """One of the review's studies, ready to run.

    Attributes
    ----------
    key : str
        First author and year: the name of its module.
    ref : int
        Its number in the review.
    title, authors, venue, doi : str
    year : int
        Of publication, which is not always the key's.
    modality, task, method : str
        As in the review's table, corrected where that is wrong.
    transfer : tuple of str
        Kinds of transfer; ``"none"`` where there is none.
    data : tuple of str
        Public sets in the study's own layout, see ``medgraft fetch --list``; empty where its data are closed.
    stand_ins : mapping
        Public sets that may take their place, and in what they differ.
    access : str
        How the study's own data are got.
    generated : callable
        ``generated(folder, seed)`` writes small data of the same form, and returns them as a cohort, or as
        cohorts by name.
    networks : tuple of str
        The pretrained networks of the paper.
    facts, published, caveats : tuple
    leaks : tuple of str
        What ``as_published`` does that ``honest`` does not; empty where no leak is known.
    recipe : callable
        ``recipe(run)`` does the work.
    summary : str
        First line of the recipe's docstring.
    """

    key: str
    ref: int
    title: str
    authors: str
    venue: str
    year: int
    doi: str
    modality: str
    task: str
    method: str
    transfer: tuple[str, ...]
    access: str
    generated: Generator
    recipe: Callable[[Run], None]
    summary: str
    data: tuple[str, ...] = ()
    stand_ins: Mapping[str, str] = field(default_factory=dict)
    networks: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    published: tuple[Published, ...] = ()
    caveats: tuple[str, ...] = ()
    leaks: tuple[str, ...] = ()

    def run(self, out: str | Path, **settings: Any) -> dict[str, Any]:
        """Run the study and return its account, which is also written to ``out/study.json``.

        Parameters
        ----------
        out : path
        **settings
            Of :func:`medgraft.studies.kit.perform.perform`: ``data``, ``generated``, ``protocol``,
            ``backbones``, ``limit``, ``repeats``, ``seed``.
        """
        from medgraft.studies.kit.perform import perform

        return perform(self, out, **settings)


studies: Registry[Study] = Registry("study", packages=("medgraft.studies",))


def study(**card: Any) -> Callable[[Callable[[Run], None]], Callable[[Run], None]]:
    """Register a function as the recipe of a study, under the function's name.

    Parameters
    ----------
    **card
        The fields of `Study`, but for ``key``, ``recipe`` and ``summary``.

    Raises
    ------
    ValueError
        A tag, kind of transfer or public set does not exist, a published figure has no source, or the name is
        taken: the author's mistake.
    """

    def register(recipe: Callable[[Run], None]) -> Callable[[Run], None]:
        key = recipe.__name__
        check_name("study", key)
        made = Study(key=key, recipe=recipe, summary=_summary(recipe), **card)
        _check(made)
        studies.add(key, made)
        return recipe

    return register


def _summary(recipe: Callable[..., Any]) -> str:
    doc = (recipe.__doc__ or "").strip()
    if not doc:
        raise ValueError(f"study '{recipe.__name__}': write a docstring; its first line stands in the list")
    return doc.split("\n", 1)[0]


def _check(made: Study) -> None:
    for name in ("transfer", "data", "networks", "facts", "published", "caveats", "leaks"):
        if isinstance(getattr(made, name), str):
            raise ValueError(f"study '{made.key}': {name} is a tuple: write a comma after its one item")
    if not re.fullmatch(r"10\.\d{4,9}/\S+", made.doi):
        raise ValueError(f"study '{made.key}': '{made.doi}' is no DOI, as in 10.1234/abc")
    for what, given, known in (
        ("tag", [fact.tag for fact in made.facts], TAGS),
        ("kind of transfer", made.transfer, TRANSFER),
        ("public set", (*made.data, *made.stand_ins), public_sets),
    ):
        for value in given:
            if value not in known:
                raise ValueError(f"study '{made.key}': unknown {what} '{value}'")
    if not made.transfer or any(not figure.source for figure in made.published):
        raise ValueError(f"study '{made.key}': say the kind of transfer, and where each figure was read")
