"""What a language model of DNA, RNA or proteins makes of a sequence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.sources.letters import check_letters, letters_of
from medgraft.sources.views.base import View, view
from medgraft.sources.views.sequence.model_folder import Model, fingerprint, load, width

POOLS = ("mean", "max", "first")


@view(
    "language-model",
    kind="sequence",
    refs=(
        "Ji et al. 2021, doi:10.1093/bioinformatics/btab083",
        "Rives et al. 2021, doi:10.1073/pnas.2016239118",
    ),
)
@dataclass(frozen=True)
class LanguageModel(View):
    r"""Frozen embeddings of a sequence by a transformer that lies in a folder, such as DNABERT or ESM-2.

    Use it where a model that has read many genomes or proteins is at hand, and labels are few. Not without
    ``kmers`` beside it: that table costs a thousandth, and often does as well. Not for a model whose folder
    brings code of its own, which is never run.

    With the tokens :math:`t = 1..T` of the sequence, and :math:`h^{(l)}_t` the state of layer l at token t,

    .. math:: z = \frac1T \sum_t h^{(l)}_t, \quad \max_t h^{(l)}_t \quad \text{or} \quad h^{(l)}_{[CLS]}

    for the pools ``mean``, ``max`` and ``first``. Tokens that the tokenizer adds (``[CLS]``, ``[SEP]``) are
    in neither of the first two.

    Parameters
    ----------
    path : str
        Folder with ``config.json``, ``*.safetensors`` and the tokenizer, as ``save_pretrained`` of
        transformers writes it. Nothing is fetched. A graft names the folder, and does not hold the model.
    layer : int, default -1
        Of the states: 0 is what goes into the first layer, 1 what comes out of it; -1 is the last.
    pool : str, default "mean"
        Or ``"max"``, or ``"first"``: the state of the first token, where the model has been taught to put the
        whole there.
    k : int, default 0
        Letters of a token where the model was taught on overlapping words, 3 to 6 for DNABERT; 0 leaves the
        letters to the tokenizer.
    alphabet : str, default "nucleotide"
        Of the sequences; U is read as T. Or ``"protein"``.
    sha : str
        Fingerprint of the model, written by the view itself: 16 digits of SHA-256 over the files of the
        folder. Given, the folder must have it, so that features of two models are never mixed up.

    Raises
    ------
    MedgraftError
        transformers is not installed; the folder lacks what is needed, is another model than `sha` says, or
        wants code of its own; the tokenizer knows no letter, or the sequence is too long for the model.

    Notes
    -----
    Numbers are those of evaluation, on the CPU. They do not depend on the company in which a sequence comes:
    only sequences of equally many tokens share a batch, without padding, and batches have one size. A
    sequence of which the tokenizer knows nothing is a row of gaps (NaN). Cost: one pass of the model for each
    sequence; the model is loaded once in a process.

    Examples
    --------
    >>> LanguageModel()
    Traceback (most recent call last):
        ...
    medgraft.base.errors.MedgraftError: The view 'language-model' needs a folder: give path=FOLDER.
    """

    path: str = ""
    layer: int = -1
    pool: str = "mean"
    k: int = 0
    alphabet: str = "nucleotide"
    sha: str = ""

    def __post_init__(self) -> None:
        letters_of(self.alphabet)
        if self.pool not in POOLS:
            raise MedgraftError(f"The pool '{self.pool}' does not exist: use one of {', '.join(POOLS)}.")
        if not 0 <= self.k <= 12:
            raise MedgraftError(f"A token cannot have {self.k} letters: use k=1 to 12, or 0.")
        if not self.path:
            raise MedgraftError(f"The view '{self.name}' needs a folder: give path=FOLDER.")
        found = fingerprint(self.path)
        if self.sha and self.sha != found:
            raise MedgraftError(
                f"The model in '{self.path}' is another one than features were made by ({found}, not "
                f"{self.sha}): put that one back, or leave out sha= and fit anew."
            )
        object.__setattr__(self, "sha", found)

    def names(self, sample: str) -> list[str]:
        """Return the names of the d numbers: their places in the state."""
        return [f"h{j}" for j in range(width(self.path))]

    def __call__(self, sample: str) -> NDArray[np.float32]:
        """Return the embedding (d,) of one sequence."""
        row: NDArray[np.float32] = self.many([sample])[0]
        return row

    def many(self, samples: Sequence[str]) -> NDArray[np.float32]:
        """Return the embeddings (n, d) of several sequences, the same as one by one."""
        model = load(self.path, self.sha)
        self._check(model)
        out = np.full((len(samples), width(self.path)), np.nan, dtype=np.float32)
        read = [model.tokens(self._text(sample)) for sample in samples]
        alike: dict[Any, list[int]] = defaultdict(list)
        for i, (ids, own) in enumerate(read):
            if own.start is not None:
                alike[len(ids), own.start, own.stop].append(i)
        for (_, start, stop), rows in alike.items():
            out[rows] = self._embedded(model, [read[i][0] for i in rows], slice(start, stop))
        return out

    def _check(self, model: Model) -> None:
        """Refuse a tokenizer that knows none of the letters, or that takes words of k letters apart."""
        text = self._text((4 * letters_of(self.alphabet))[: max(self.k, 4)])
        own = model.tokens(text)[1]
        if own.start is None or (self.k and own.stop - own.start != len(text.split())):
            raise MedgraftError(
                f"The tokenizer in '{self.path}' does not know {self.alphabet}s as k={self.k} gives them: "
                "set k= to the letters of its tokens, or alphabet=."
            )

    def _text(self, sample: str) -> str:
        """The sequence as the tokenizer reads it."""
        word = check_letters(sample, self.alphabet)
        if self.alphabet == "nucleotide":
            word = word.replace("U", "T")
        return " ".join(word[i : i + self.k] for i in range(len(word) - self.k + 1)) if self.k else word

    def _embedded(self, model: Model, ids: list[Any], own: slice) -> NDArray[np.float32]:
        """Embed sequences of equally many tokens (n, d)."""
        from medgraft.sources.forward import run_batches

        def pooled(batch: Any) -> Any:
            states = model.states(batch, self.layer)
            if self.pool == "first":
                return states[:, 0]
            inside = states[:, own]
            return inside.mean(dim=1) if self.pool == "mean" else inside.amax(dim=1)

        found: NDArray[np.float32] = run_batches(len(ids), lambda i: ids[i], pooled).numpy()
        return found
