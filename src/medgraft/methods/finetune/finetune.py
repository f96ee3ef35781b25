"""Fine-tuning: head first, then the network from its output towards its input, with care."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from medgraft.methods.finetune import adapters, augment
from medgraft.methods.finetune.answer import outputs
from medgraft.methods.finetune.groups import Policy, make_policy
from medgraft.methods.finetune.head import class_weights
from medgraft.methods.finetune.images import Labelled
from medgraft.methods.finetune.inner import hold_out_target, note_on, share_to_hold
from medgraft.methods.finetune.limits import Number, check_limits
from medgraft.methods.finetune.loop import History, Recipe
from medgraft.methods.finetune.objective import make_loss
from medgraft.methods.finetune.penalties import Penalty, make_penalty
from medgraft.methods.finetune.snapshots import changed
from medgraft.methods.finetune.stages import (
    fit_head_to,
    measure_anew,
    self_supervise,
    train_blocks,
)
from medgraft.methods.finetune.told import plan_of, report_of
from medgraft.methods.finetune.trained import NetworkEstimator
from medgraft.methods.registry import method
from medgraft.methods.selfsup.tasks import check_auxiliary, stages_of
from medgraft.methods.table import InputError
from medgraft.sources.pretrained import Pretrained

if TYPE_CHECKING:
    from medgraft.sources.backbone import Backbone


@method(
    "finetune",
    family="finetune",
    tasks=("classification", "regression", "multilabel"),
    needs=("target-labels", "images", "pretrained"),
    cost="epochs x n training steps of the released blocks; the frozen blocks run once per image and view",
    refs=(
        "Howard and Ruder 2018, doi:10.18653/v1/P18-1031",
        "Kumar et al. 2022, arXiv:2202.10054",
        "Loshchilov and Hutter 2019, arXiv:1711.05101",
        "Li, Grandvalet and Davoine 2018, arXiv:1802.01483 (penalty=l2-sp)",
        "Li et al. 2019, arXiv:1901.09229 (penalty=delta)",
        "Chen et al. 2019, NeurIPS 32 (penalty=bss)",
        "Hu et al. 2022, arXiv:2106.09685 (adapter=lora)",
        "Huang et al. 2017, arXiv:1704.00109 (snapshots)",
        "Shi, Cao and Raschka 2023, doi:10.1007/s10044-023-01181-9 (loss=ordinal)",
        "Hu, Shen and Sun 2018, doi:10.1109/CVPR.2018.00745 (attention=se)",
        "Woo et al. 2018, doi:10.1007/978-3-030-01234-2_1 (attention=cbam)",
    ),
    default=True,
)
class FineTune(NetworkEstimator):
    r"""Fine-tuning of a pretrained network: head first, then gradual unfreezing with graded learning rates.

    Use it with some hundred labelled images or more, or when the images are unlike those the network was
    trained on. Not with a few dozen: `linear-probe` is then as good, steadier and far cheaper.

    First the head is fitted to frozen features, as in `linear-probe` (Kumar et al. 2022: a random head would
    distort the features). Then AdamW minimises :math:`\sum_i w_i \ell(y_i, h(f_\theta(x_i)))` (log loss,
    or squared error of the standardised value) over the head and the released
    blocks, which are released from the output towards the input, each one with a smaller learning rate than
    the one above (Howard and Ruder 2018). With few patients all of them teach, and the last epoch counts.
    Where some are held out (see `validation`), the weights of the epoch with the least loss on these are
    kept, the state before training included. Where source and target both teach, they are patients of the
    target, if it has enough with a label that eight can be held out and no class is missing among them; else
    they are patients of all domains.

    Parameters
    ----------
    source : Pretrained or str
        The network.
    task : str, default "classification"
        ``"classification"``, ``"regression"`` or ``"multilabel"`` (one trunk, an output a label).
    epochs : int, default 12
        At most so many passes over the training images after the head; 0 leaves the head alone.
    lr : float, default 5e-4
        Peak learning rate of the block next to the head.
    lr_decay : float, default 0.7
        Factor from one block to the one below.
    head_lr : float, default 1e-3
        Peak learning rate of the head.
    pretext : str, default "none"
        First train the released blocks on all training images without their labels: ``"rotation"``,
        ``"simclr"``, ``"masked"``, ``"autoencoder"``, or several in turn as in ``"masked+rotation"`` (see
        `medgraft.methods.selfsup.pretrain.pretrain`).
    pretext_epochs : int, default 4
        Passes over the images for each task.
    auxiliary : str, default "none"
        ``"rotation"``: while it is fine-tuned, the network also tells by how many quarters other copies of
        the training images, labelled or not, are turned.
    auxiliary_weight : float, default 0.5
        Of that loss.
    find_lr : bool, default False
        Multiply all three by what a range test on the training rows finds (see `lr_finder`).
    unfreeze : float, default 0.5
        Share of the blocks that train in the end, counted from the output; 0 to 1.
    layers : str, default ""
        Blocks that train, by name, in place of `unfreeze`: ``"blocks.5*|conv_head"``, ``"stem-blocks.4"``.
    gradual : float, default 0.3
        Share of the epochs in which they are released one by one; 0: all at once.
    adapter : str, default "none"
        ``"lora"``: released matrices change by one of low rank; ``"bitfit"``: only biases and norms train.
    rank : int, default 8
        Of ``"lora"``.
    attention : str, default "none"
        New weights put into the network, which at first change nothing and train with their block: ``"se"``
        (squeeze and excitation), ``"cbam"`` or ``"self"`` (see `medgraft.networks.attention`).
    attention_at : str, default ""
        Released blocks behind whose maps it stands, named as in `layers`; empty: the last one.
    penalty : str, default "none"
        ``"l2-sp"``: weights are drawn to the pretrained ones; ``"delta"``: the last map is; ``"bss"``: weak
        directions of the features are shrunk.
    strength : float, default -1
        Of the penalty; below zero: that of its paper (0.1, 0.01, 0.001).
    batchnorm : str, default "frozen"
        ``"frozen"``: BatchNorm keeps its statistics and weights throughout, and training uses them too, so
        that small batches do no harm; ``"recompute"``: the same, with statistics of the training images;
        ``"adapt"``: that of released blocks trains and updates its statistics.
    loss : str, default "auto"
        ``"auto"``, or against imbalance ``"focal"`` or ``"logit-adjusted"``, or ``"smooth"`` (labels);
        ``"ordinal"`` for stages: the chance to go on from each to the next (CORN).
    class_weight : str or None, default None
        ``"balanced"``: every class counts the same; None: every image does, as in the other arms of a trial.
    mix : str, default "none"
        ``"mixup"`` or ``"cutmix"`` of training images, or of the frozen blocks' maps of them.
    augmentation : str, default "light"
        ``"light"``: flips left to right, small turns, shifts, zooms and changes of grey level, of training
        images only; ``"none"``, for instance where the side of the body matters.
    views : int, default 4
        Versions of each training image (the unchanged one included) when blocks are frozen throughout: their
        activations are computed once and kept.
    cache : str, default "float32"
        Type in which they are kept; ``"float16"`` halves memory, or disk beyond 1 GiB.
    validation : float or None, default None
        Share of the training rows (of the target's, where it has enough) held out, patients whole, to choose
        the epoch by and stop early; 0: none. None: 0.15 from 400 patients of the target, and for `soup` and
        ``schedule="plateau"``, which need it; else 0, because a few dozen patients choose badly and are
        missed in training.
    patience : int, default 8
        Epochs without a better held-out loss before stopping, where patients are held out. The loss rises
        first, as blocks are released, and falls below the head's only when the rate does: a smaller patience
        gives up there.
    snapshots : int, default 1
        Above 1: run the schedule so many times from its start, keep the weights at each end, and average
        their predictions (each costs a pass). Then nothing is held out, and training does not stop early.
    soup : int, default 1
        Average the weights of so many of the best epochs, if that is no worse on the held-out rows.
    optimizer : str, default "adamw"
        ``"adamw"``, ``"adam"``, ``"adamax"``, ``"sgd"`` or ``"rmsprop"``.
    schedule : str, default "cosine"
        Learning rate after a short warm-up: ``"cosine"`` or ``"linear"`` down to zero, ``"step"``,
        ``"plateau"`` or ``"constant"``.
    weight_decay : float, default 0.01
        Of the optimizer.
    batch_size : int, default 32
        Images a step.
    precision : str, default "32"
        ``"16-mixed"`` halves time and memory on CUDA.
    random_state : int, default 0
        Seed of the inner split, the order of the images and their changes.
    device : str, default "auto"
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.

    Attributes
    ----------
    network_ : Network
        The trained network, in evaluation mode, on the CPU.
    report_ : dict
        What loaded, what froze, the losses by epoch and the epoch kept (JSON-able).
    pretext_ : dict or None
        What self-supervision did: the task, the images and the loss of each epoch.
    note_ : str
        A sentence where there was too little data for an inner split that was asked for, else empty.

    Notes
    -----
    The same seed on the same machine gives the same weights, with frozen BatchNorm on any number of cores.
    Cost: `plan` measures it on the machine at hand.
    Memory: up to 1 GiB of activations; beyond that they lie in a temporary file, if it takes no more than
    half of the free disk; beyond that the frozen blocks run again at each step, without a gradient.

    Examples
    --------
    >>> FineTune("timm:resnet18", epochs=5).batchnorm
    'frozen'
    """

    _pretrained = True

    def __init__(
        self,
        source: Pretrained | str | None = None,
        *,
        task: str = "classification",
        epochs: int = 12,
        lr: float = 5e-4,
        lr_decay: float = 0.7,
        head_lr: float = 1e-3,
        pretext: str = "none",
        pretext_epochs: int = 4,
        auxiliary: str = "none",
        auxiliary_weight: float = 0.5,
        find_lr: bool = False,
        unfreeze: float = 0.5,
        layers: str = "",
        gradual: float = 0.3,
        adapter: str = "none",
        rank: int = 8,
        attention: str = "none",
        attention_at: str = "",
        penalty: str = "none",
        strength: float = -1.0,
        batchnorm: str = "frozen",
        loss: str = "auto",
        class_weight: str | None = None,
        mix: str = "none",
        augmentation: str = "light",
        views: int = 4,
        cache: str = "float32",
        validation: float | None = None,
        patience: int = 8,
        snapshots: int = 1,
        soup: int = 1,
        optimizer: str = "adamw",
        schedule: str = "cosine",
        weight_decay: float = 0.01,
        batch_size: int = 32,
        precision: str = "32",
        random_state: int = 0,
        device: str = "auto",
    ) -> None:
        self.source = source
        self.task = task
        self.epochs = epochs
        self.lr = lr
        self.lr_decay = lr_decay
        self.head_lr = head_lr
        self.pretext = pretext
        self.pretext_epochs = pretext_epochs
        self.auxiliary = auxiliary
        self.auxiliary_weight = auxiliary_weight
        self.find_lr = find_lr
        self.unfreeze = unfreeze
        self.layers = layers
        self.gradual = gradual
        self.adapter = adapter
        self.rank = rank
        self.attention = attention
        self.attention_at = attention_at
        self.penalty = penalty
        self.strength = strength
        self.batchnorm = batchnorm
        self.loss = loss
        self.class_weight = class_weight
        self.mix = mix
        self.augmentation = augmentation
        self.views = views
        self.cache = cache
        self.validation = validation
        self.patience = patience
        self.snapshots = snapshots
        self.soup = soup
        self.optimizer = optimizer
        self.schedule = schedule
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.precision = precision
        self.random_state = random_state
        self.device = device

    def _fit(self, rows: Labelled) -> None:
        self._check()
        stages = stages_of(self.pretext)
        if self.kind_ != "image" and (stages or self.auxiliary != "none"):
            raise InputError(
                f"Self-supervision is for images: leave out pretext and auxiliary with {self.kind_}s."
            )
        several = self.task == "multilabel"
        k = 0 if self.task == "regression" else rows.y.shape[1] if several else len(self.classes_)
        self.center_, self.spread_ = 0.0, 1.0
        y = rows.y
        if several and self.class_weight is not None:
            raise InputError(
                "class_weight='balanced' is for classes, and there are several labels: leave it out."
            )
        if k == 0:
            self.center_, self.spread_ = float(np.mean(y)), float(np.std(y)) or 1.0
            y = (y.astype(float) - self.center_) / self.spread_
        weight = class_weights(y, k, rows.weight) if k and self.class_weight == "balanced" else rows.weight
        weight = weight / weight.mean()
        rows = replace(rows, y=y.astype(np.int64) if k and not several else y, weight=weight)
        cyclic = self.snapshots > 1
        if cyclic and self.adapter == "lora":
            raise InputError("snapshots keep whole weights, which lora has not: leave out one of the two.")
        needed = self.soup > 1 or self.schedule == "plateau"
        share = 0.0 if cyclic else share_to_hold(self.validation, rows.units, rows.target, needed=needed)
        train, held = hold_out_target(rows.y, rows.units, rows.target, share, self.random_state, k)
        self.note_ = note_on(share, held)
        source = self._source()
        self.backbone_ = self._start(source)
        policy = self._policy()
        adapters.attend(self.backbone_, self.attention, self.attention_at, policy, self.random_state)
        recipe = self._recipe(policy, rows.take(train), k)
        self.network_ = self._network(outputs(self.answer, k))
        self.pretext_ = self_supervise(self, rows, train) if stages else None
        if self.batchnorm == "recompute":
            measure_anew(self, rows.take(train).paths)
        if (self._pretrained or stages) and k != 1:
            fit_head_to(self, rows.take(train), k, source)
        history = History()
        if self.epochs > 0 and k != 1:
            history = train_blocks(self, rows, train, held, recipe)
        self.snapshots_ = changed(history.snapshots)
        self.report_ = report_of(self, policy, history, len(train), len(held))

    @property
    def _loads(self) -> bool:
        """Whether weights are read at the start."""
        return self._pretrained

    @property
    def _own_features(self) -> bool:
        """Whether the features before training are no longer those that other arms may have left."""
        return self.batchnorm == "recompute" or bool(self.pretext_)

    def _start(self, source: Pretrained) -> Backbone:
        """Return the network that training starts from."""
        return source.load(pretrained=self._loads, seed=self.random_state)

    def _check(self) -> None:
        """Refuse settings that cannot be, before anything is loaded or trained."""
        check_limits(self.get_params(deep=False), validation=Number(0.0, 0.5, optional=True))
        augment.check(self.augmentation)
        adapters.check(self.adapter)
        stages_of(self.pretext)
        check_auxiliary(self.auxiliary, self.auxiliary_weight)

    def _policy(self) -> Policy:
        return make_policy(
            [name for name, _ in self.backbone_.module.blocks],
            unfreeze=self.unfreeze,
            layers=self.layers,
            gradual=self.gradual,
            epochs=self.epochs,
            lr=self.lr,
            lr_decay=self.lr_decay,
            head_lr=self.head_lr,
        )

    def _make_penalty(self) -> Penalty:
        penalty = make_penalty(self.penalty, self.strength)
        if self.auxiliary == "none":
            return penalty
        from medgraft.methods.selfsup.rotation import Auxiliary

        return Auxiliary(penalty, self.auxiliary_weight, self.random_state)

    def _recipe(self, policy: Policy, rows: Labelled, k: int) -> Recipe:
        return Recipe(
            policy,
            make_loss(self.loss, rows.y, rows.weight, k),
            self._make_penalty(),
            self.epochs,
            self.patience,
            self.optimizer,
            self.schedule,
            self.weight_decay,
            self.mix,
            self.soup,
            self.snapshots,
            str(self.precision),
        )

    def plan(self, n_fit: int, n_predict: int) -> dict[str, Any]:
        """Say what will load, adapt and freeze, at which rates, and what it will cost.

        The cost is that of a timed probe on an empty image, times what there is to do; early stopping can
        only make it less.

        Parameters
        ----------
        n_fit, n_predict : int
            Images to learn from and to predict.
        """
        return plan_of(self, n_fit, n_predict)
