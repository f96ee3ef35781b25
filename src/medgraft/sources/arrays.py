"""How signals, sequences and rows of omics become the array that a 1-D network reads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError, did_you_mean
from medgraft.cohort.media import Signal, open_sample
from medgraft.sources.letters import alphabet_of, one_hot
from medgraft.sources.signals import SignalInput, agree

if TYPE_CHECKING:
    import torch


class ArrayInput(Protocol):
    """What brings every sample of a kind to one shape."""

    @property
    def shape(self) -> tuple[int, int]:
        """Channels (letters) and length."""

    def to_dict(self) -> dict[str, Any]:
        """Return the settings, JSON-able."""


@dataclass(frozen=True)
class SignalReading:
    """Signals as a 1-D network reads them, or as a picture for a network of images.

    Parameters
    ----------
    signal : SignalInput
        Channels, rate, length, filters.
    picture : str
        A view that draws (``"scalogram"``, ``"stockwell"``); empty: the channels themselves.
    """

    signal: SignalInput
    picture: str = ""

    @property
    def shape(self) -> tuple[int, int]:
        """Channels and samples."""
        return self.signal.shape

    def to_dict(self) -> dict[str, Any]:
        """Return the settings, JSON-able."""
        return {"signal": self.signal.to_dict(), "picture": self.picture}

    def array(self, text: str) -> NDArray[np.float32]:
        """Open a reference: (channels, samples)."""
        return np.ascontiguousarray(self.opened(text).values, dtype=np.float32)

    def opened(self, text: str) -> Signal:
        """Open a reference, brought to the common form."""
        signal = open_sample("signal", text)
        if not isinstance(signal, Signal):
            raise MedgraftError(f"'{text}' holds no signal.")
        try:
            return self.signal(signal)
        except MedgraftError as error:
            raise MedgraftError(f"The signal '{text}': {error}") from error


@dataclass(frozen=True)
class SequenceReading:
    """Sequences as one-hot columns of one length.

    Parameters
    ----------
    length : int
        Letters; a longer sequence loses its ends, a shorter one is filled up with empty columns.
    alphabet : str
        ``"dna"`` or ``"protein"``.
    """

    length: int
    alphabet: str = "dna"

    def __post_init__(self) -> None:
        if not 1 <= self.length <= 1_000_000:
            raise MedgraftError(f"Sequences cannot have the length {self.length}: use 1 to 1000000.")

    @property
    def shape(self) -> tuple[int, int]:
        """Letters of the alphabet and columns."""
        return one_hot("", 1, self.alphabet).shape[0], self.length

    def to_dict(self) -> dict[str, Any]:
        """Return the settings, JSON-able."""
        return asdict(self)

    def array(self, text: str) -> NDArray[np.float32]:
        """Return (letters, length) of a sequence."""
        return one_hot(text, self.length, self.alphabet)


@dataclass(frozen=True)
class OmicsReading:
    """Rows of a matrix as one channel; a gap becomes 0.

    Parameters
    ----------
    length : int
        Number of features.
    """

    length: int

    @property
    def shape(self) -> tuple[int, int]:
        """One channel and the features."""
        return 1, self.length

    def to_dict(self) -> dict[str, Any]:
        """Return the settings, JSON-able."""
        return asdict(self)

    def array(self, text: str) -> NDArray[np.float32]:
        """Open a reference: (1, features)."""
        row = np.asarray(open_sample("omics", text), dtype=np.float32)
        if row.shape != (self.length,):
            raise MedgraftError(f"'{text}' has {row.size} features, and the model reads {self.length}.")
        return np.nan_to_num(row)[None]


Reading = SignalReading | SequenceReading | OmicsReading
_KINDS: dict[str, type[Any]] = {
    "signal": SignalReading,
    "sequence": SequenceReading,
    "omics": OmicsReading,
}


def kind_of_reading(given: Reading) -> str:
    """Return ``"signal"``, ``"sequence"`` or ``"omics"``."""
    return next(kind for kind, cls in _KINDS.items() if isinstance(given, cls))


def reading_to_dict(given: Reading) -> dict[str, Any]:
    """Return a reading, JSON-able, with its kind."""
    return {"kind": kind_of_reading(given), **given.to_dict()}


def reading_from_dict(said: dict[str, Any]) -> Reading:
    """Read what :func:`reading_to_dict` wrote."""
    said = dict(said)
    kind = said.pop("kind")
    if kind == "signal":
        return SignalReading(SignalInput.of(said["signal"]), said["picture"])
    made: Reading = _KINDS[kind](**said)
    return made


def agreed(kind: str, cells: Sequence[str], given: str = "") -> tuple[Reading, list[str]]:
    """Find how the samples of a cohort are brought to one shape, and say what that costs them.

    Use it before a 1-D network reads them; a trial does so itself. No label is looked at.

    Parameters
    ----------
    kind : {"signal", "sequence", "omics"}
    cells : sequence of str
        The references, or the sequences themselves.
    given : str
        Settings that are not to be found out: ``"rate=100,seconds=2,picture=scalogram"`` (`SignalInput`),
        ``"length=101,alphabet=protein"``.

    Returns
    -------
    reading : SignalReading, SequenceReading or OmicsReading
    said : list of str
        What was dropped or cut, in sentences.

    Raises
    ------
    MedgraftError
        A setting does not exist, or the samples have nothing in common.

    Examples
    --------
    >>> agreed("sequence", ["ACGU", "ACGTAC"])
    (SequenceReading(length=6, alphabet='dna'), [])
    """
    settings = _settings(kind, given)
    if kind == "signal":
        picture = settings.pop("picture", "")
        signals = (_signal(cell) for cell in cells)
        signal, said = agree(signals, **SignalInput.read(settings))
        return SignalReading(signal, picture), said
    if kind == "sequence":
        alphabet = settings.get("alphabet") or alphabet_of(cells)
        lengths = np.array([len(text) for text in cells])
        length = _whole("length", settings["length"]) if "length" in settings else int(lengths.max(initial=1))
        said = []
        if "length" not in settings and length > LONGEST:
            length = LONGEST
        if cut := int((lengths > length).sum()):
            said.append(f"{cut} of {len(lengths)} sequences are longer than {length} letters: their ends are cut.")
        return SequenceReading(length, alphabet), said
    if settings:
        raise MedgraftError(f"Omics have no setting '{next(iter(settings))}'.")
    if not len(cells):
        raise MedgraftError("There is no sample to read.")
    return OmicsReading(int(np.asarray(open_sample("omics", cells[0])).size)), []


LONGEST = 1000  # letters that a network reads unless more are asked for


def _signal(cell: str) -> Signal:
    signal = open_sample("signal", cell)
    if not isinstance(signal, Signal):
        raise MedgraftError(f"'{cell}' holds no signal.")
    return signal


def _settings(kind: str, given: str) -> dict[str, str]:
    """Read ``"name=value,..."``, and refuse names that the kind has not."""
    own = {
        "signal": [*(f.name for f in fields(SignalInput)), "picture"],
        "sequence": [f.name for f in fields(SequenceReading)],
        "omics": [],
    }[kind]
    made = {}
    for part in filter(None, (piece.strip() for piece in given.split(","))):
        name, _, value = (word.strip() for word in part.partition("="))
        if name not in own:
            hint = did_you_mean(name, own) or (f" They have: {', '.join(own)}." if own else "")
            raise MedgraftError(f"{kind.capitalize()}s have no setting '{name}'.{hint}")
        made[name] = value
    return made


def _whole(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise MedgraftError(f"The setting {name}={text} takes a whole number.") from None
