"""An encoder for all hospitals from their sums alone, and the units of their values."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.methods.encode import TableEncoder
from medgraft.methods.federated.messages import Federation, Message
from medgraft.methods.table import Table


def federated_encoder(federation: Federation, like: Table) -> TableEncoder:
    """Return the encoder of the pooled rows, from exact sums, and give it to every site.

    It is that of `TableEncoder` but for two things: a gap gets the mean, since a median cannot be had from
    sums, and what too few patients of a site have counts as missing there (see `Site`). The number of
    features and the words that may occur are taken as known to all (the data dictionary).

    Parameters
    ----------
    federation : Federation
        Sites that answer ``moments``, ``count``, ``spread``, ``levels`` and ``encoder``.
    like : Table
        Names and kinds of the columns; its rows are not read.

    Notes
    -----
    Cost: 4 rounds, 5 with word columns; 64 p bytes a site and 16 for each word.
    """
    first = federation.total("moments", {})
    count = federation.total("count", {})["weight"][:1]
    mean = first["sum"] / np.maximum(first["n"], 1e-300)
    squares = federation.total("spread", {"mean": mean})["squares"]
    levels = federation.total("levels", {}) if like.levels else {}
    sums = {"n": first["n"], "mean": mean, "squares": squares, "count": count, **levels}
    federation.ask("encoder", sums)
    return encoder_of(sums, like)


def encoder_of(sums: Message, like: Table) -> TableEncoder:
    """Make the encoder from totals: ``n``, ``mean``, ``squares``, ``count`` and ``column j`` for words."""
    n, mean = sums["n"], sums["mean"]
    full = n > 0
    scale = np.sqrt(sums["squares"] / np.maximum(n, 1e-300))
    varies = full & (scale > 1e-12 * np.maximum(np.abs(mean), 1e-300))
    made = TableEncoder()
    made.number_ = list(like.number)
    made.n_features_in_ = len(like.number)
    made.value_columns_ = np.flatnonzero(varies)
    made.gap_columns_ = np.flatnonzero(full & (n < sums["count"][0] * (1.0 - 1e-12)))
    made.mean_, made.scale_, made.fill_ = mean[varies], scale[varies], mean[varies]
    made._keep_levels(like.levels, [sums[f"column {j}"] for j in range(len(like.levels))])
    made._name_columns(like)
    return made


def federated_units(federation: Federation) -> tuple[float, float]:
    """Mean and standard deviation of all labelled values, in three rounds; the sites go over to these units.

    Parameters
    ----------
    federation : Federation
        Sites that answer ``values``.
    """
    first = federation.total("values", {})
    weight = first["weight"]
    units: dict[str, NDArray[Any]] = {"mean": first["sum"] / weight}
    spread = np.sqrt(federation.total("values", units)["squares"] / weight)
    units["scale"] = np.where(spread > 1e-12 * np.maximum(np.abs(units["mean"]), 1e-300), spread, 1.0)
    federation.ask("values", units)
    return float(units["mean"][0]), float(units["scale"][0])
