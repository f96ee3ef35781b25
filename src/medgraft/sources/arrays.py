"""How signals, sequences and rows of omics become the array that a 1-D network reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.cohort.media import Signal
from medgraft.sources.letters import alphabet_of, letters_of, one_hot
from medgraft.sources.omics_reading import OmicsReading, agreed_omics
from medgraft.sources.settings import made_from
from medgraft.sources.signal_agree import agree
from medgraft.sources.signals import SignalInput, open_signal

SHORT = 0.5  # of the median length; a signal below is more likely cut off than short
MEASURED = 100  # signals whose spread is looked at
LONGEST = 1000  # letters that a network reads unless more are asked for


@dataclass(frozen=True)
class SignalReading:
    """Signals as a 1-D network reads them, or as a picture for a network of images.

    Parameters
    ----------
    signal : SignalInput
        Channels, rate, length, filters.
    picture : str
        A view that draws (``"scalogram"``, ``"stockwell"``); empty: the channels themselves.
    recorded : float
        Rate of files that do not say theirs (text), in Hz; 0: unknown, one sample a second.
    unit : float
        What 1 is to a network, in the files' units: EEG in volts would be 0.00001 to it. Views read files'
        own values.
    """

    signal: SignalInput
    picture: str = ""
    recorded: float = 0.0
    unit: float = 1.0

    @property
    def shape(self) -> tuple[int, int]:
        """Channels and samples."""
        return self.signal.shape

    def words(self) -> str:
        """Say it in a few words."""
        s = self.signal
        shown = ", ".join(s.channels[:4]) + (", ..." if len(s.channels) > 4 else "")
        rate = f"at {s.rate:g} Hz" if s.rate != 1.0 or self.recorded else "at an unknown rate"
        kept = [f"{name} {getattr(s, name):g} Hz" for name in ("low", "high", "notch") if getattr(s, name)]
        seconds = f"the middle {s.seconds:g} seconds" if rate[-1] == "z" else f"{s.seconds:g} samples"
        count = "1 channel" if len(s.channels) == 1 else f"{len(s.channels)} channels"
        return ", ".join([f"{count} ({shown}) {rate}", seconds, *kept])

    def to_dict(self) -> dict[str, Any]:
        """Return the settings, JSON-able."""
        own = {"picture": self.picture, "recorded": self.recorded, "unit": self.unit}
        return {"signal": self.signal.to_dict(), **own}

    def open(self, text: str) -> Signal:
        """Open a reference and bring it to shape; a refusal names it."""
        return self.signal.open(text, self.recorded)

    def array(self, text: str) -> NDArray[np.float32]:
        """Open a reference: (channels, samples)."""
        return np.ascontiguousarray(self.open(text).values / self.unit, dtype=np.float32)

    def drawn(self, text: str) -> NDArray[np.uint8]:
        """Open a reference and draw it: (h, w) or (h, w, 3)."""
        from medgraft.sources.views import read_view

        view: Any = read_view(self.picture, "signal")
        if not hasattr(view, "picture"):
            raise MedgraftError(f"The view '{view.name}' draws no picture: use scalogram or stockwell.")
        picture: NDArray[np.uint8] = view.picture(self.open(text))
        return picture


@dataclass(frozen=True)
class SequenceReading:
    """Sequences as one-hot columns of one length (see `medgraft.sources.letters.one_hot`).

    Parameters
    ----------
    length : int, default 1
        Letters; a longer sequence loses its ends, a shorter one is filled up with empty columns.
    alphabet : str, default "nucleotide"
        Or ``"protein"``.
    """

    length: int = 1
    alphabet: str = "nucleotide"

    def __post_init__(self) -> None:
        if not 1 <= self.length <= 1_000_000:
            raise MedgraftError(f"Sequences cannot have the length {self.length}: use 1 to 1000000.")
        letters_of(self.alphabet)

    @property
    def shape(self) -> tuple[int, int]:
        """Letters of the alphabet and columns."""
        return len(letters_of(self.alphabet)), self.length

    def words(self) -> str:
        """Say it in a few words."""
        return f"{self.alphabet} sequences; to networks {self.length} letters from the middle"

    def to_dict(self) -> dict[str, Any]:
        """Return the settings, JSON-able."""
        return asdict(self)

    def array(self, text: str) -> NDArray[np.float32]:
        """Return (letters, length) of a sequence."""
        return one_hot(text, self.length, self.alphabet)


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
        return SignalReading(SignalInput.of(said["signal"]), said["picture"], said["recorded"], said["unit"])
    made: Reading = _KINDS[kind](**said)
    return made


def agreed(
    kind: str, cells: Sequence[str], given: str = "", *, teaching: Sequence[str] | None = None
) -> tuple[Reading, list[str]]:
    """Find how the samples of a cohort are brought to one shape, and say what that costs them.

    Use it before a 1-D network reads them; a trial does so itself. No label is looked at.

    Parameters
    ----------
    kind : {"signal", "sequence", "omics"}
    cells : sequence of str
        The references, or the sequences themselves.
    given : str
        Settings that are not to be found out: ``"rate=100,seconds=2,picture=scalogram"`` (`SignalInput`),
        ``"length=101,alphabet=protein"``, ``"probes=FILE.npz"`` (`agreed_omics`).
    teaching : sequence of str, optional
        Those of `cells` that may teach: the unit of signals is theirs. Default all.

    Returns
    -------
    reading : SignalReading, SequenceReading or OmicsReading
    said : list of str
        What was dropped or cut, in sentences.

    Raises
    ------
    MedgraftError
        A setting does not exist, or the samples have nothing in common.

    Notes
    -----
    Cost: each signal is opened once, one at a time, and some hundred of them again for the unit.

    Examples
    --------
    >>> agreed("sequence", ["ACGU", "ACGTAC"])
    (SequenceReading(length=6, alphabet='nucleotide'), [])
    """
    if not len(cells):
        raise MedgraftError(f"There is no {kind} to read.")
    if kind == "signal":
        reading, said = _agreed_signals(cells, given)
        return _in_unit(reading, cells if teaching is None else teaching), said
    if kind == "sequence":
        return _agreed_sequences(cells, given)
    return agreed_omics(cells, given)


@dataclass(frozen=True)
class _Asked(SignalInput):
    picture: str = ""
    recorded: float = 0.0


def _agreed_signals(cells: Sequence[str], given: str) -> tuple[SignalReading, list[str]]:
    asked = made_from(_Asked, given, "The reading of signals")
    to_change = any((asked.rate, asked.low, asked.high, asked.notch)) and not asked.recorded
    if to_change and open_signal(cells[0], 0.0).rate == 1.0:
        raise MedgraftError(
            f"'{cells[0]}' does not say its rate, so that it cannot be brought to another or filtered: "
            "say it with --reading recorded=HZ."
        )
    own = {f.name: getattr(asked, f.name) for f in fields(SignalInput)}
    if all(own[name] for name in ("rate", "seconds", "channels")):
        return SignalReading(SignalInput(**own), asked.picture, asked.recorded), []
    lengths: list[float] = []
    shared, said = agree(_measured(cells, asked.recorded, lengths))
    middle = float(np.median(lengths))
    if not asked.seconds and min(lengths) < SHORT * middle:
        raise MedgraftError(
            f"The signal '{cells[int(np.argmin(lengths))]}' lasts {min(lengths):g} seconds and others "
            f"{middle:g}: leave it out, or say with --reading seconds= how much of each is read."
        )
    if shared.rate == 1.0 and not asked.recorded:
        said.append("The files do not say their rate (--reading recorded=HZ does): there are no bands.")
    told = {name: value for name, value in own.items() if value != getattr(SignalInput(), name)}
    lost = [s for s in said if not any(name in told and word in s for name, word in _ABOUT.items())]
    return SignalReading(replace(shared, **told), asked.picture, asked.recorded), lost


_ABOUT = {
    "channels": "channels",
    "rate": "Rates",
    "seconds": "Lengths",
}  # what a sentence of `agree` is about


def _measured(cells: Sequence[str], recorded: float, lengths: list[float]) -> Iterator[Signal]:
    for cell in cells:
        signal = open_signal(cell, recorded)
        lengths.append(signal.seconds)
        yield signal


def _in_unit(reading: SignalReading, cells: Sequence[str]) -> SignalReading:
    """Take the median standard deviation of channels of some signals for the unit; no label plays a part."""
    some = sorted(set(cells))
    some = some[:: -(-len(some) // MEASURED)] if some else []
    spread = np.concatenate([np.zeros(0), *(_spread(reading, cell) for cell in some)])
    told = spread[np.isfinite(spread) & (spread > 0)]
    return replace(reading, unit=float(np.median(told)) if len(told) else 1.0)


def _spread(reading: SignalReading, cell: str) -> NDArray[np.float32]:
    try:
        return np.asarray(np.std(reading.open(cell).values, axis=1))
    except MedgraftError:  # refused by its name where it is read
        return np.zeros(0, dtype=np.float32)


def _agreed_sequences(cells: Sequence[str], given: str) -> tuple[SequenceReading, list[str]]:
    asked = made_from(SequenceReading, given, "The reading of sequences")
    alphabet = asked.alphabet if "alphabet" in given else alphabet_of(cells)
    lengths = np.array([len(text) for text in cells])
    length = asked.length if "length" in given else max(1, min(int(lengths.max()), LONGEST))
    cut = int((lengths > length).sum())
    said = (
        f"{cut} of {len(cells)} sequences have more than {length} letters: networks do not read their ends."
    )
    return SequenceReading(length, alphabet), [said] if cut else []
