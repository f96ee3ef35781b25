"""Occlusion along one axis: spans of a channel, letters of a sequence, features of omics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medgraft.methods.explain.scores import Scores

if TYPE_CHECKING:
    import torch

PARTS, FEW = 20, 6  # windows that a signal is long; channels up to which these overlap by half
LETTERS, MOST = 3, 1000  # letters of a window, and windows of a sequence
AT_ONCE = {"signal": 8, "sequence": 64, "omics": 64}  # more long signals at once are slower


def spans_covered(scores: Scores, x: torch.Tensor, code: int) -> tuple[torch.Tensor, dict[str, float]]:
    """Return how far a score falls where spans are covered, and how wide these are.

    Parameters
    ----------
    scores : Scores
        Of a network of signals, sequences or omics.
    x : tensor (1, channels, length)
    code : int

    Returns
    -------
    map : tensor (channels, samples), or (length,) of letters and features
    facts : dict
    """
    import torch

    channels, length = x.shape[1:]
    signal = scores.shown == "signal"
    window, step = _window(scores.shown, channels, length)
    starts = sorted({*range(0, length - window + 1, step), length - window})
    rows: list[Any] = list(range(channels)) if signal else [slice(None)]
    spans = [(k, start) for k in range(len(rows)) for start in starts]
    total, times = torch.zeros(len(rows), length), torch.zeros(length)
    for start in starts:
        times[start : start + window] += 1
    with torch.no_grad():
        whole = scores.of(x)[0, code]
        size = AT_ONCE[scores.shown]
        for first in range(0, len(spans), size):
            some = spans[first : first + size]
            covered = x.float().repeat(len(some), 1, 1)
            for one, (k, start) in zip(covered, some, strict=True):
                one[rows[k], start : start + window] = _beside(x[0, k], start, window) if signal else 0.0
            fall = whole - scores.of(covered)[:, code]
            for (k, start), lost in zip(some, fall, strict=True):
                total[k, start : start + window] += lost
    mean = total / times
    return mean if signal else mean[0], {"window": float(window)}


def _window(kind: str, channels: int, length: int) -> tuple[int, int]:
    """Return width and step of windows.

    Examples
    --------
    >>> _window("signal", 2, 400), _window("signal", 12, 400), _window("omics", 1, 20000)
    ((20, 10), (20, 20), (1, 1))
    >>> _window("sequence", 4, 101), _window("sequence", 4, 5000)
    ((3, 1), (10, 5))
    """
    if kind == "omics":  # neighbours mean nothing
        return 1, 1
    if kind == "sequence":
        step = -(-length // MOST)
        return min(length, max(LETTERS, 2 * step)), step
    window = max(1, round(length / PARTS))
    return window, max(1, window // 2) if channels <= FEW else window


def _beside(channel: torch.Tensor, start: int, window: int) -> torch.Tensor:
    """Return the mean of a channel beside a window, as wide on each side; of the window where that is all."""
    import torch

    end = start + window
    beside = torch.cat([channel[max(0, start - window) : start], channel[end : end + window]])
    return (beside if len(beside) else channel).mean()
