"""Take each site's own location and scale out of its features, and leave the target as it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from medgraft.methods.feature.aligning import can_align
from medgraft.methods.feature.by_site import site_codes
from medgraft.methods.feature.site_scales import Sites
from medgraft.methods.notes import NOT_ALIGNED
from medgraft.methods.registry import method
from medgraft.methods.rows import Rows
from medgraft.methods.sites import DomainMethod
from medgraft.methods.splits import Floats
from medgraft.methods.table import InputError, Table


@method(
    "combat",
    family="feature",
    needs=("source", "target-rows"),
    cost="O(n p (S + c))",
    refs=(
        "Johnson, Li and Rabinovic 2007, doi:10.1093/biostatistics/kxj037",
        "Nygaard, Rodland and Hovig 2016, doi:10.1093/biostatistics/kxv027 (when the label is kept)",
    ),
)
class Combat(DomainMethod):
    r"""Harmonise each source site's features to the target by shrunken shifts and scales, then learn.

    Use it when sites, scanners or batches differ by a shift and a scale of each feature and there are many
    features (omics, radiomics), so that one feature's shift tells of another's. Not when sites differ in whom
    they treat: that difference is taken out too, unless it goes by columns named in `keep`.

    A number column g of a row of site i is :math:`y = \alpha_g + x^\top \beta_g + \sigma_g (\gamma_{ig} +
    \delta_{ig} \varepsilon)`, x being the kept columns. The target is the reference: :math:`\gamma = 0,
    \delta = 1` there, and :math:`\sigma_g` is its residual deviation. Least squares give :math:`\alpha,
    \beta` and a first :math:`\hat\gamma_{ig}, \hat\delta_{ig}^2`; with a normal prior for
    :math:`\gamma_{ig}` and an inverse gamma prior for :math:`\delta_{ig}^2`, whose parameters are the moments
    over the features of a site,

    .. math:: \gamma^* = \frac{n \tau^2 \hat\gamma + \delta^{*2} \bar\gamma}{n \tau^2 + \delta^{*2}}, \quad
              \delta^{*2} = \frac{b + \frac12 \sum (z - \gamma^*)^2}{n/2 + a - 1}

    are solved together. A source row becomes :math:`\sigma_g (z - \gamma^*) / \delta^* + \alpha_g + x^\top
    \beta_g`, z being its standardised value. Target rows, and so new rows, stay as they are.

    Parameters
    ----------
    task, estimator, random_state
        See `TransferEstimator`.
    keep : str or sequence of str
        Columns whose effect on the others is kept (age, sex), and which are not changed themselves; one text
        names several with semicolons.
    keep_label : bool
        Whether the label's effect is kept too. It is known for labelled training rows only, and only these
        are then used; no label of a row to be predicted is ever needed. But the features that the learner is
        taught on then know the labels: figures on held-out patients stay honest, the choice of the penalty
        on inner splits and any p-value on harmonised rows do not. False is the safe choice.

    Attributes
    ----------
    sites_ : list of str
        Names of the source sites.
    shift_ : array (S, q)
        :math:`\gamma^*` for each site and number column, in target deviations; 0 where nothing was changed.
    scale_ : array (S, q)
        :math:`\delta^*`; 1 where nothing was changed.
    note_ : str
        Says so when there was nothing to align and all patients were pooled, or a kept column goes by site.

    Raises
    ------
    InputError
        `keep` names a column that is not there.

    Notes
    -----
    Gaps stay gaps, and each column uses the rows that have it. A site with a single patient who has a column
    is shifted but not scaled, a column that does not vary in the target, or that a single patient of it has,
    is left alone, and with one usable column there is no prior. Words are not changed. Memory O(n p).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> A = rng.normal(size=(400, 3))
    >>> y = A[:, 0] > 0
    >>> A[:200] = 2 * A[:200] + 5  # the source's scanner
    >>> site = np.repeat(["a", "b"], 200)
    >>> m = Combat().fit(A, y, domain=site, target="b", labelled=site == "a")
    >>> bool((abs(m.scale_ - 2) < 0.2).all())
    True
    >>> m.predict([[-0.5, 0, 0], [0.5, 0, 0]]).tolist()
    [False, True]
    """

    def __init__(
        self,
        *,
        task: str = "classification",
        estimator: Any = None,
        random_state: int = 0,
        keep: Any = (),
        keep_label: bool = False,
    ) -> None:
        super().__init__(task=task, estimator=estimator, random_state=random_state)
        self.keep = keep
        self.keep_label = keep_label

    def _fit(self, rows: Rows) -> None:
        kept = _columns(self.keep, rows.table)
        self.sites_: list[str] = []
        self.shift_, self.scale_ = np.zeros((0, 0)), np.ones((0, 0))
        patients = [len(np.unique(rows.units[side])) for side in (rows.source, rows.target)]
        if min(patients) < 2 or not can_align(rows):
            self.note_ = NOT_ALIGNED
        else:
            rows = replace(rows, table=self._harmonised(rows, kept))
        self._alone(rows)

    def _harmonised(self, rows: Rows, kept: set[int]) -> Table:
        site, self.sites_ = site_codes(rows, self._domain)
        X, used = _covariates(rows, kept), np.ones(len(site), dtype=bool)
        if self.keep_label:
            if (rows.labelled & rows.target).any():
                used = rows.labelled
                X = np.column_stack([X, _label(rows)])
            else:
                self.note_ = "No target patient has a label: the label's effect could not be kept. "
        place = np.cumsum(rows.table.number) - 1  # of a column among the number columns
        free = np.ones(rows.table.numbers.shape[1], dtype=bool)
        free[[place[j] for j in kept if rows.table.number[j]]] = False
        S = len(self.sites_)
        fit = Sites.of(rows.table.numbers[used], X[used], site[used], rows.weight[used], rows.units[used], S)
        if fit.confounded:
            self.note_ += "A kept column goes by site: its effect and the site's cannot be told apart."
        free &= fit.usable
        self.shift_ = np.where(free & fit.moved, fit.shift, 0.0)
        self.scale_ = np.where(free & fit.moved, fit.scale, 1.0)
        A = rows.table.numbers.copy()
        for k in range(S):
            at = site == k + 1
            level = fit.alpha + X[at] @ fit.beta
            moved = (A[at] - level - fit.sigma * self.shift_[k]) / self.scale_[k] + level
            A[at] = np.where(free & fit.moved[k], moved, A[at])
        return replace(rows.table, numbers=A)


def _columns(keep: Any, table: Table) -> set[int]:
    names = [k.strip() for k in keep.split(";") if k.strip()] if isinstance(keep, str) else list(keep)
    for name in names:
        if name not in table.names:
            raise InputError(f"combat should keep '{name}', but the columns are {', '.join(table.names)}.")
    return {table.names.index(name) for name in names}


def _covariates(rows: Rows, kept: set[int]) -> Floats:
    """Kept columns as numbers (n, c): gaps at the mean, a column for each word but the first."""
    table = rows.table
    numbers = np.flatnonzero(table.number)
    words = np.flatnonzero(~np.array(table.number))
    columns: list[Floats] = []
    for j in sorted(kept):
        if table.number[j]:
            x = table.numbers[:, int(np.searchsorted(numbers, j))]
            gap = np.isnan(x)
            mean = float(np.average(x[~gap], weights=rows.weight[~gap])) if not gap.all() else 0.0
            x = np.where(gap, 0.0, x - mean)
            columns.append(x / (float(np.abs(x).max()) or 1.0))
        else:
            code = table.codes[:, int(np.searchsorted(words, j))]
            columns += [(code == level).astype(float) for level in np.unique(code)[1:]]
    return np.column_stack(columns) if columns else np.empty((len(table), 0))


def _label(rows: Rows) -> Floats:
    """Return labels as numbers (n, c); rows without a label get the mean of those with one."""
    y = (
        rows.y[:, None].astype(float)
        if not rows.k
        else (rows.y[:, None] == np.arange(1, rows.k)).astype(float)
    )
    w = rows.weight * rows.labelled
    known = np.where(rows.labelled[:, None], y, 0.0)
    mean = w @ known / w.sum()
    out = np.where(rows.labelled[:, None], known - mean, 0.0)
    return np.asarray(out / np.maximum(np.abs(out).max(axis=0), 1e-300))
