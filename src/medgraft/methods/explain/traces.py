"""Maps as pictures where there is one axis: under the channels of a signal, on the letters of a sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medgraft.methods.explain.pictures import AGAINST, COLOURS, FOR, new_figure, png_of

if TYPE_CHECKING:
    from medgraft.cohort.media import Signal

CHANNELS = 12  # those where the map is strongest are drawn
LINE, LINES = 60, 10  # letters of a line, and lines around the strongest letter


def over_signal(signal: Signal, values: NDArray[np.float32], caption: str, unit: str) -> bytes:
    """Return a PNG: each channel over time, and below it its map as a strip of colour.

    Parameters
    ----------
    signal : Signal
        As it was brought to shape.
    values : array (channels, samples)
        What spoke against (below 0) is not drawn.
    caption, unit : str
        Above the picture, and beside the colour bar.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    shown = np.sort(np.argsort(-values.max(axis=1), kind="stable")[:CHANNELS])
    peak = max(float(values.max()), 0.0)
    norm = Normalize(0.0, peak or 1.0)
    high = 1.3 + 1.0 * len(shown)
    figure = new_figure(9.6, high)
    ratios = [3, 1] * len(shown)
    axes: Any = figure.subplots(len(ratios), 1, sharex=True, gridspec_kw={"height_ratios": ratios})
    figure.subplots_adjust(0.11, 0.55 / high, 0.87, 1 - 0.7 / high, hspace=0.12)
    seconds = np.arange(values.shape[1]) / signal.rate
    for place, k in enumerate(shown):
        wave, strip = axes[2 * place], axes[2 * place + 1]
        wave.plot(seconds, signal.values[k], color="black", lw=0.7)
        strip.imshow(
            np.maximum(values[k], 0)[None],
            cmap=COLOURS,
            norm=norm,
            aspect="auto",
            interpolation="nearest",
            extent=(0, values.shape[1] / signal.rate, 0, 1),
        )
        unit_of = f" ({signal.units[k]})" if signal.units[k] else ""
        wave.set_ylabel(f"{signal.channels[k]}{unit_of}", fontsize=8, rotation=0, ha="right", va="center")
        wave.tick_params(labelsize=7, bottom=False)
        strip.set_yticks([])
        for side in ("top", "right"):
            wave.spines[side].set_visible(False)
    axes[-1].set_xlabel("seconds" if signal.rate != 1 else "samples", fontsize=9)
    axes[-1].tick_params(labelsize=8)
    bar = figure.colorbar(ScalarMappable(norm, COLOURS), cax=figure.add_axes((0.895, 0.15, 0.018, 0.65)))
    bar.set_label(unit if peak > 0 else "nothing spoke for it", fontsize=9)
    bar.ax.tick_params(labelsize=8)
    more = (
        f"\n{len(shown)} of {len(values)} channels, where it is strongest" if len(shown) < len(values) else ""
    )
    figure.suptitle(caption + more, fontsize=11)
    return png_of(figure)


def over_letters(text: str, values: NDArray[np.float32], caption: str, unit: str) -> bytes:
    """Return a PNG: a bar on each letter of a sequence, in lines, up where it spoke for the class.

    Parameters
    ----------
    text : str
        Letters (n).
    values : array (n,)
    caption, unit : str
    """
    lines = -(-len(text) // LINE)
    at = int(np.argmax(np.abs(values))) // LINE
    first = max(0, min(at - LINES // 2, lines - LINES))
    shown = range(first, min(lines, first + LINES))
    high = 1.1 + 1.0 * len(shown)
    figure = new_figure(9.6, high)
    axes: Any = figure.subplots(len(shown), 1, squeeze=False, sharey=True)[:, 0]
    figure.subplots_adjust(0.1, 0.3 / high, 0.98, 1 - 0.75 / high, hspace=0.45)
    for ax, line in zip(axes, shown, strict=True):
        start, end = line * LINE, min(len(text), (line + 1) * LINE)
        own = values[start:end]
        ax.bar(range(len(own)), own, color=[FOR if v > 0 else AGAINST for v in own], width=0.85)
        ax.axhline(0, color="black", lw=0.6)
        ax.set_xlim(-0.7, LINE - 0.3)
        ax.set_xticks(range(len(own)), list(text[start:end]), fontsize=8, family="monospace")
        ax.tick_params(length=0, labelsize=8)
        ax.set_ylabel(f"from {start + 1}", fontsize=8, rotation=0, ha="right", va="center")
        for side in ("top", "right", "bottom"):
            ax.spines[side].set_visible(False)
    reach = float(np.abs(values).max()) or 1.0
    axes[0].set_ylim(min(0.0, 1.15 * float(values.min())), max(1.15 * float(values.max()), 0.05 * reach))
    where = f", letters {shown[0] * LINE + 1} to {min(len(text), (shown[-1] + 1) * LINE)} of {len(text)}"
    figure.suptitle(f"{caption}\n{unit}{where if len(shown) < lines else ''}", fontsize=10)
    return png_of(figure)
