"""A forest on the factors of a contrastive variational autoencoder."""

from __future__ import annotations

from typing import Any

import numpy as np

from medgraft.methods.learners.base import Lesson, TaskLearner
from medgraft.methods.learners.registry import learner
from medgraft.methods.splits import Floats
from medgraft.methods.table import InputError
from medgraft.methods.trees import Trees


@learner(
    "contrastive-vae",
    tasks=("binary",),
    refs=(
        "Abid and Zou 2019, arXiv:1902.04601",
        "Aglinskas, Hartshorne and Anzellotti 2022, doi:10.1126/science.abm2461",
        "Ma et al. 2024, doi:10.26599/BDMA.2024.9020004",
    ),
)
class ContrastiveVAELearner(TaskLearner):
    r"""Factors that one class has alone, told from those that both share; a random forest on both.

    Use it where patients differ from controls by a weak pattern among strong ones that both have (age, sex,
    shape of the head), with some hundred rows. Not where classes differ in their means already: a linear
    learner sees that sooner.

    The rarer class is the target x, the other the background b. With Gaussian codes z (shared) and s
    (salient), a decoder f, and a discriminator D of pairs from shuffled pairs, it minimises

    .. math:: \sum_x w_x [\|f(z_x, s_x) - x\|^2 + \mathrm{KL}(z_x) + \mathrm{KL}(s_x)
              + \gamma\,\mathrm{logit}\,D(z_x, s_x)] + \sum_b w_b [\|f(z_b, 0) - b\|^2 + \mathrm{KL}(z_b)]

    each sum divided by its weight, and D's log loss beside it. The forest reads the means of **both** codes
    of every row. The study of Ma et al. read the salient code of patients and the shared one of controls: two
    functions of a row, chosen by its label, which cannot be done for a new patient, and which tell classes
    apart whatever the data are.

    Parameters
    ----------
    task, random_state
        See `TaskLearner`; the seed also draws weights, batches, codes and trees.
    shared, salient : int, default 8
        Factors.
    hidden : int, default 64
        Width of the hidden layers.
    gamma : float, default 1
        Weight of the independence of both codes; 0: none.
    epochs : int, default 100
        Passes over the target rows.
    batch : int, default 16
        Rows of each class a step.
    lr : float, default 1e-3
    trees : int, default 300
        Of the forest.

    Attributes
    ----------
    tensors_ : list of arrays
        Weights of the autoencoder.
    target_ : int
        Place of the target class among the lesson's.
    trees_ : Trees
        The forest.

    Raises
    ------
    InputError
        A setting is out of range.

    Notes
    -----
    Cost O(epochs n p hidden), and the forest's.

    Examples
    --------
    >>> ContrastiveVAELearner(salient=2).salient
    2
    """

    regression = False
    rough = True  # seen as classes of one mean

    def __init__(
        self,
        *,
        task: str = "classification",
        shared: int = 8,
        salient: int = 8,
        hidden: int = 64,
        gamma: float = 1.0,
        epochs: int = 100,
        batch: int = 16,
        lr: float = 1e-3,
        trees: int = 300,
        random_state: int = 0,
    ) -> None:
        self.task = task
        self.shared = shared
        self.salient = salient
        self.hidden = hidden
        self.gamma = gamma
        self.epochs = epochs
        self.batch = batch
        self.lr = lr
        self.trees = trees
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def _fit(self, lesson: Lesson) -> None:
        import torch
        from sklearn.ensemble import RandomForestClassifier

        for name in ("shared", "salient", "hidden", "epochs", "batch", "lr", "trees"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} must be more than 0, not {getattr(self, name)!r}.")
        if not self.gamma >= 0:
            raise InputError(f"gamma must be 0 or more, not {self.gamma!r}.")
        if lesson.k > 2:
            raise InputError(
                "Only binary classification is supported. The type of the target is multiclass, and "
                "contrastive-vae tells a class from its background."
            )
        self.target_ = int(np.argmin(np.bincount(lesson.y, weights=lesson.weight, minlength=2)))
        net = self._network(lesson.Z.shape[1])
        draw = torch.Generator().manual_seed(self.random_state)
        optimiser = torch.optim.Adam(net.parameters(), lr=self.lr)
        Z = torch.from_numpy(lesson.Z.astype(np.float32))
        w = torch.from_numpy(lesson.weight.astype(np.float32))
        sides = [torch.from_numpy(np.flatnonzero(lesson.y == c)) for c in (self.target_, 1 - self.target_)]
        scale = [len(side) / w[side].sum() for side in sides]
        for _ in range(self.epochs):
            for rows in torch.split(sides[0][torch.randperm(len(sides[0]), generator=draw)], self.batch):
                others = sides[1][torch.randint(len(sides[1]), (len(rows),), generator=draw)]
                one, other = net.losses(Z[rows], Z[others], self.gamma, draw)
                loss = (scale[0] * w[rows] * one).mean() + (scale[1] * w[others] * other).mean()
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
        self.tensors_ = [t.detach().numpy().copy() for t in net.parameters()]
        forest = RandomForestClassifier(
            self.trees, min_samples_leaf=3, max_features="sqrt", random_state=self.random_state
        )
        self.trees_ = Trees.of(forest.fit(self._factors(lesson.Z), lesson.y, sample_weight=lesson.weight))

    def _network(self, p: int) -> Any:
        import torch

        from medgraft.networks.contrastive_vae import ContrastiveVAE

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.random_state)
            return ContrastiveVAE(p, self.hidden, self.shared, self.salient)

    def _factors(self, Z: Floats) -> Floats:
        """Means of the shared, then of the salient factors, (n, shared + salient)."""
        import torch

        net = self._network(Z.shape[1]).double()
        with torch.no_grad():
            for weight, kept in zip(net.parameters(), self.tensors_, strict=True):
                weight.copy_(torch.from_numpy(kept))
            z, s = net.codes(torch.from_numpy(np.asarray(Z, dtype=np.float64)))
        return np.asarray(torch.cat([z.mean, s.mean], dim=1).numpy())

    def factors(self, X: Any) -> tuple[Floats, Floats]:
        """Return the shared (n, shared) and the salient (n, salient) factors of rows."""
        found = self._factors(self._standard(X))
        return found[:, : self.shared], found[:, self.shared :]

    def _output(self, Z: Floats) -> Floats:
        return self.trees_.predict_proba(self._factors(Z))
