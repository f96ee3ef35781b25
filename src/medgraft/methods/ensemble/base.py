"""What ensembles share: members, their predictions of rows that they did not learn from, and saving."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError, did_you_mean
from medgraft.methods.base import classifies
from medgraft.methods.inner_fits import (
    Given,
    aligned,
    held_out_folds,
    nothing_to_compare,
    out_of_fold,
)
from medgraft.methods.nesting import Nesting
from medgraft.methods.registry import entries
from medgraft.methods.rows import Rows
from medgraft.methods.splits import Floats, Ints
from medgraft.methods.table import InputError


@dataclass(frozen=True)
class HeldOut:
    """Predictions of the members for rows that they did not learn from.

    Parameters
    ----------
    P : array (n, M, K) or (n, M)
        Probabilities, or values.
    y, weight, units, fold : arrays (n,)
        Class codes or values, weights, patients, and the fold in which each row was held out.
    k : int
        Number of classes; 0 for values.
    """

    P: Floats
    y: NDArray[Any]
    weight: Floats
    units: Ints
    fold: Ints
    k: int


class Ensemble(Nesting, metaclass=ABCMeta):
    """Base of the methods that join the predictions of several arms.

    Derive from it and write ``_learn``, which sets what the members are joined by, and ``_join``.

    Attributes
    ----------
    members_ : dict of name to estimator
        The members, each fitted on all training rows.
    report_ : dict
        JSON-able: "members", "weights", "inner_folds", "n_labelled", and "skipped" (members that could not
        be fitted, with the reason).
    note_ : str
        The weights of the members, and why they are equal where nothing could be learnt.
    skipped_ : dict of name to str
        Members that could not be fitted, and why.
    classes_ : array (K,)
        Labels, sorted (classification only).
    n_features_in_ : int
        Columns of X.
    """

    falls_back_to_pooled = False  # it is what its members are
    candidates: dict[str, Any] | None
    members: str
    inner_folds: int
    time: str | None
    random_state: int

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
        """Fit the members and what joins them; parameters as in `TransferEstimator.fit`.

        Raises
        ------
        MedgraftError
            No member can be fitted, or `members` names none.
        """
        columns = {"domain": domain, "labelled": labelled, "sample_weight": sample_weight, "groups": groups}
        given, rows = self._given(X, y, target, **columns)
        self.skipped_: dict[str, str] = {}
        arms = self._arms()
        own = np.flatnonzero(rows.target & rows.labelled)
        # Without a target label, what source patients say of the members has to do.
        at = own if len(own) else np.flatnonzero(rows.source & rows.labelled)
        held, why = self._held_out(given, rows, at, arms, bool(len(own)))
        self.members_ = self._fitted(arms, lambda arm: given.fit(arm, rows.index))
        if held is not None:
            kept = [i for i, name in enumerate(arms) if name in self.members_]
            held = HeldOut(held.P[:, kept], held.y, held.weight, held.units, held.fold, held.k)
        weights = self._learn(held, len(self.members_))
        told = {n: round(float(w), 4) for n, w in zip(self.members_, weights, strict=True)}
        self.report_ = {
            "members": list(self.members_),
            "weights": told,
            "inner_folds": self.inner_folds,
            "n_labelled": len(own),
            "skipped": dict(self.skipped_),
        }
        said = ", ".join(f"{n} {w:.2f}" for n, w in told.items())
        self.note_ = f"Weights: {said}." + (f" They are equal: {why}." if why else "")
        for name, reason in self.skipped_.items():
            self.note_ += f" {name} was left out: {reason}"
        return self

    @property
    def needs_held_out(self) -> bool:
        """Whether anything is learnt from predictions of rows that the members did not learn from."""
        return True

    @abstractmethod
    def _learn(self, held: HeldOut | None, m: int) -> Floats:
        """Learn how to join m members; None: nothing to learn from. Return the weight (m,) of each."""

    @abstractmethod
    def _join(self, P: Floats) -> Floats:
        """Join predictions (n, M, K) or (n, M)."""

    def _arms(self) -> dict[str, Any]:
        candidates = self.candidates
        if candidates is None:
            kind = "binary" if classifies(self) else "regression"
            candidates = {
                n: m.cls(task=self.task, random_state=self.random_state)
                for n, m in entries.items()
                if m.default
                and m.role == "transfer"
                and m.reads_tables
                and kind in m.tasks
                and m.family not in ("guard", "ensemble")
            }
        chosen = matching(self.members, list(candidates))
        return {name: candidates[name] for name in chosen}

    def _fitted(self, arms: dict[str, Any], fit: Any) -> dict[str, Any]:
        """Do for each arm what can fail; arms that cannot be fitted are left out from there on."""
        done: dict[str, Any] = {}
        for name, arm in arms.items():
            if name in self.skipped_:
                continue
            try:
                done[name] = fit(arm)
            except MedgraftError as error:
                self.skipped_[name] = str(error)
                if len(self.skipped_) == len(arms):
                    raise
        return done

    def _held_out(
        self, given: Given, rows: Rows, at: Ints, arms: dict[str, Any], own: bool
    ) -> tuple[HeldOut | None, str]:
        """Members' predictions of held-out rows `at`, or None and the reason why there are none."""
        if not self.needs_held_out:
            return None, ""
        if len(arms) < 2:
            return None, ""
        if why := nothing_to_compare(rows, at):
            return None, why
        time = self.time if own else None
        fold, parts = held_out_folds(rows, at, self.inner_folds, self.random_state, time)
        if not parts:
            return None, "the labelled rows of all target patients end at one time"
        use = np.isin(fold, parts)
        forward = time is not None
        found = self._fitted(
            arms, lambda arm: out_of_fold(given, rows, at, fold, parts, arm, forward=forward)[use]
        )
        shape = next(iter(found.values())).shape
        blank = np.zeros(shape)  # the place of an arm that is left out, and dropped after the last fits
        P = np.stack([found.get(name, blank) for name in arms], axis=1)
        places = at[use]
        return HeldOut(P, rows.y[places], rows.weight[places], rows.units[places], fold[use], rows.k), ""

    def _scores(self, X: Any) -> Floats:
        if classifies(self):
            each = [aligned(member, X, self.classes_) for member in self.members_.values()]
        else:
            each = [np.asarray(member.predict(X), dtype=float) for member in self.members_.values()]
        return self._join(np.stack(each, axis=1))

    def shell(self) -> Self:
        """Return itself without members and candidates: what is saved beside the members."""
        made = type(self)(task=self.task)
        for name, value in vars(self).items():
            if name.endswith("_") and name != "members_":
                setattr(made, name, value)
        made.members_ = dict.fromkeys(self.members_)
        return made


def matching(members: str, known: list[str]) -> list[str]:
    """Return the names that ``members`` means: ``"a|b*"``, or all where it is empty.

    Raises
    ------
    InputError
        A part of it names none.

    Examples
    --------
    >>> matching("coral|trans-*", ["pooled", "coral", "trans-glm"])
    ['coral', 'trans-glm']
    """
    chosen: dict[str, None] = {}
    for part in filter(None, (p.strip() for p in members.split("|"))):
        fits = [n for n in known if n == part] or [n for n in known if fnmatchcase(n, part)]
        if not fits:
            hint = did_you_mean(part, known) or f" There are: {', '.join(known)}."
            raise InputError(f"The ensemble has no member '{part}'.{hint}")
        chosen |= dict.fromkeys(fits)
    found = list(chosen) or known
    if not found:
        raise InputError("An ensemble needs members: there is no other arm to join.")
    return found
