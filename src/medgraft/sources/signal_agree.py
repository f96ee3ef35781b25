"""What the signals of a cohort have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from medgraft.base import MedgraftError
from medgraft.cohort.media import Signal
from medgraft.sources.montage import few, plain
from medgraft.sources.signals import SignalInput


def agree(signals: Iterable[Signal]) -> tuple[SignalInput, list[str]]:
    """Return the channels, rate and length that all signals share, and what is lost by that.

    Use it where recordings come from several devices. Not to hide that they do: where devices and classes go
    together, the audit's ``technical-confound`` says so, and no common shape cures it.

    Channels are compared without capitals and punctuation, and keep the names and the order of the first
    signal; the rate is the lowest, the length the shortest. Labels are not read.

    Parameters
    ----------
    signals : iterable of Signal
        Looked at one at a time.

    Returns
    -------
    SignalInput
        With rate, seconds and channels.
    list of str
        A sentence for all that is dropped, and for units that differ.

    Raises
    ------
    MedgraftError
        There is no signal, or no channel that all have.

    Examples
    --------
    >>> import numpy as np
    >>> a = Signal(np.zeros((2, 400), np.float32), 200.0, ("EEG C3", "EEG O1"), ("uV", "uV"))
    >>> b = Signal(np.zeros((2, 480), np.float32), 160.0, ("C4..", "C3.."), ("uV", "uV"))
    >>> given, lost = agree([a, b])
    >>> given.shape, given.channels
    ((1, 320), ('EEG C3',))
    >>> print(*lost, sep=chr(10))
    Of 3 channels 2 are not in every signal and are dropped: C4.., EEG O1.
    Rates run from 160 to 200 Hz: all signals are brought to 160 Hz.
    Lengths run from 2 to 3 seconds: the middle 2 seconds of each are kept.
    """
    first: dict[str, str] = {}
    seen: Counter[str] = Counter()
    twice: set[str] = set()
    units: dict[str, set[str]] = {}
    rates: list[float] = []
    lengths: list[float] = []
    for signal in signals:
        names = [plain(name) for name in signal.channels]
        twice |= {name for name, times in Counter(names).items() if times > 1}
        seen.update(set(names))
        for name, said, unit in zip(names, signal.channels, signal.units, strict=True):
            first.setdefault(name, said)
            units.setdefault(name, set()).add(unit)
        rates.append(float(signal.rate))
        lengths.append(signal.seconds)
    if not rates:
        raise MedgraftError("There are no signals to agree on a shape.")
    common = [name for name in first if seen[name] == len(rates) and name not in twice]
    if not common:
        raise MedgraftError(
            f"No channel is in all {len(rates)} signals: name the channels to use, and leave out the signals "
            "that lack them."
        )
    rate = min(rates)
    seconds = int(min(lengths) * rate + 1e-6) / rate
    given = SignalInput(rate=rate, seconds=seconds, channels=tuple(first[name] for name in common))
    dropped = sorted(first[name] for name in first if name not in common and name not in twice)
    lost = []
    if dropped:
        verb = "is" if len(dropped) == 1 else "are"
        lost.append(
            f"Of {len(first)} channels {len(dropped)} {verb} not in every signal and {verb} dropped: "
            f"{few(tuple(dropped))}."
        )
    if twice:
        shown = few(tuple(sorted(first[name] for name in twice)))
        lost.append(f"Several channels of one signal go by the same name and are dropped: {shown}.")
    if max(rates) > rate:
        lost.append(f"Rates run from {rate:g} to {max(rates):g} Hz: all signals are brought to {rate:g} Hz.")
    if max(lengths) > seconds + 0.5 / rate:
        lost.append(
            f"Lengths run from {min(lengths):g} to {max(lengths):g} seconds: the middle {seconds:g} seconds "
            "of each are kept."
        )
    mixed = [first[name] for name in common if len(units[name]) > 1]
    if mixed:
        lost.append(
            f"Units differ between signals in {few(tuple(mixed))}: bring them to one, or use scale=zscore."
        )
    return given, lost
