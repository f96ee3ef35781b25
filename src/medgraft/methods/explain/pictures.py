"""Maps and column values as pictures: over an image, in three planes of a volume, as bars."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from medgraft.cohort.media import Volume

COLOURS = "magma"  # equal steps of a value look equally far apart, in grey as well
STRENGTH = 0.6  # of the strongest place, over the image
FOR, AGAINST = "#a1442e", "#2f5d8a"
BARS = 15


def over_image(image: Any, values: NDArray[np.float32], caption: str, unit: str) -> bytes:
    """Return a PNG: the image, and the map over it with a colour bar.

    Parameters
    ----------
    image : PIL image
    values : array (h, w)
        What spoke against (below 0) is not drawn.
    caption, unit : str
        Above the picture, and beside the colour bar.
    """
    pixels = np.asarray(image.convert("RGB"))
    return _panels([(pixels, values, 1.0, "")], caption, unit)


def over_volume(volume: Volume, values: NDArray[np.float32], caption: str, unit: str) -> bytes:
    """Return a PNG: three planes of a volume through the strongest place, alone and with the map."""
    known = volume.values[np.isfinite(volume.values)]
    low, high = np.percentile(known, [1, 99])
    grey = np.clip((np.nan_to_num(volume.values, nan=low) - low) / max(high - low, 1e-12), 0, 1)
    at, mm = np.unravel_index(int(np.argmax(values)), values.shape), volume.spacing
    panels = []
    for axis, name in ((2, "axial"), (1, "coronal"), (0, "sagittal")):
        plane, marks = (np.take(a, at[axis], axis=axis).T[::-1] for a in (grey, values))
        wide, high_ = [m for k, m in enumerate(mm) if k != axis]
        shown = np.repeat((255 * plane).astype(np.uint8)[:, :, None], 3, axis=2)
        panels.append((shown, marks, high_ / wide, f"{name}, slice {at[axis] + 1} of {values.shape[axis]}"))
    return _panels(panels, caption, unit, float(np.max(values)))


def bars(names: list[str], values: NDArray[Any], caption: str, unit: str, most: int = BARS) -> bytes:
    """Return a PNG: a bar for each of the columns that added most, up or down.

    Parameters
    ----------
    names : list of str
        Columns with the row's own values.
    values : array (m,)
    caption, unit : str
    most : int
        Bars.
    """
    order = np.argsort(-np.abs(values), kind="stable")[:most][::-1]
    figure = new_figure(9.0, 1.4 + 0.34 * len(order))
    ax = figure.add_axes(
        (0.42, 0.9 / (1.4 + 0.34 * len(order)), 0.46, 0.34 * len(order) / (1.4 + 0.34 * len(order)))
    )
    colours = [FOR if values[j] > 0 else AGAINST for j in order]
    ax.barh(range(len(order)), values[order], color=colours)
    ax.set_yticks(range(len(order)), [_short(names[j], 46) for j in order])
    reach = float(np.abs(values[order]).max()) or 1.0
    for k, j in enumerate(order):
        side = "left" if values[j] >= 0 else "right"
        ax.text(
            values[j] + 0.02 * reach * (1 if values[j] >= 0 else -1),
            k,
            f"{values[j]:+.3g}",
            ha=side,
            va="center",
        )
    ax.set_xlim(
        min(0, float(values[order].min())) - 0.4 * reach, max(0, float(values[order].max())) + 0.25 * reach
    )
    ax.axvline(0, color="black", lw=0.8)
    ax.set_xlabel(unit)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    figure.suptitle(caption, fontsize=11)
    return png_of(figure)


def _panels(
    panels: list[tuple[Any, Any, float, str]], caption: str, unit: str, top: float | None = None
) -> bytes:
    """Draw a row of samples as they are, and below it (beside it, of one) the same with their maps."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    n = len(panels)
    figure = new_figure(8.4, 4.6) if n == 1 else new_figure(9.6, 7.0)
    axes = np.array(figure.subplots(1, 2)).reshape(2, 1) if n == 1 else figure.subplots(2, n)
    figure.subplots_adjust(0.02, 0.03, 0.86, 0.86, 0.05, 0.12)
    peak = max(top if top is not None else float(np.max(panels[0][1])), 0.0)
    norm = Normalize(0.0, peak or 1.0)
    from matplotlib import colormaps

    for k, (pixels, values, aspect, name) in enumerate(panels):
        share = norm(np.maximum(values, 0)).filled(0)[:, :, None]
        colour = colormaps[COLOURS](share[:, :, 0])[:, :, :3]
        seen = pixels / 255 * (1 - STRENGTH * np.sqrt(share)) + colour * STRENGTH * np.sqrt(share)
        for ax, shown in ((axes[0, k], pixels / 255), (axes[1, k], seen)):
            ax.imshow(np.clip(shown, 0, 1), aspect=aspect, interpolation="nearest")
            ax.set_axis_off()
        axes[0, k].set_title(name or "as it is", fontsize=9)
        axes[1, k].set_title("" if name else "with the map", fontsize=9)
    bar = figure.colorbar(ScalarMappable(norm, COLOURS), cax=figure.add_axes((0.885, 0.12, 0.02, 0.66)))
    bar.set_label(unit if peak > 0 else "nothing spoke for it", fontsize=9)
    bar.ax.tick_params(labelsize=8)
    figure.suptitle(caption, fontsize=11)
    return png_of(figure)


def new_figure(width: float, height: float) -> Any:
    """Return a white figure of a size in inches that needs no screen."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=120, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def png_of(figure: Any) -> bytes:
    """Return a figure as a PNG, the same bytes each time."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
