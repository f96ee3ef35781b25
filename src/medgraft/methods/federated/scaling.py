"""An encoder for all hospitals from their sums alone."""

from __future__ import annotations

import numpy as np

from medgraft.methods.encode import TableEncoder
from medgraft.methods.federated.messages import Federation
from medgraft.methods.table import Table


def federated_encoder(federation: Federation, like: Table) -> TableEncoder:
    """Return the encoder of the pooled rows: exact means, standard deviations and levels, in three rounds.

    It is that of `TableEncoder` but for one thing: a gap gets the mean, since a median cannot be had from
    sums. The number of features and the words that may occur are taken as known to all (the data dictionary).

    Parameters
    ----------
    federation : Federation
        Sites that answer ``moments``, ``spread`` and ``levels``.
    like : Table
        Names and kinds of the columns; its rows are not read.

    Notes
    -----
    Cost: 3 rounds, 24 p bytes a site and 8 for each word.
    """
    first = federation.total("moments", {})
    count = federation.total("count", {})["weight"][0]
    n = first["n"]
    full = n > 0
    mean = first["sum"] / np.maximum(n, 1e-300)
    squares = federation.total("spread", {"mean": mean})["squares"]
    scale = np.sqrt(squares / np.maximum(n, 1e-300))
    varies = full & (scale > 1e-12 * np.maximum(np.abs(mean), 1e-300))
    made = TableEncoder()
    made.number_ = list(like.number)
    made.n_features_in_ = len(like.number)
    made.value_columns_ = np.flatnonzero(varies)
    made.gap_columns_ = np.flatnonzero(full & (n < count * (1.0 - 1e-12)))
    made.mean_, made.scale_, made.fill_ = mean[varies], scale[varies], mean[varies]
    counts = federation.total("levels", {}) if like.levels else {}
    made._keep_levels(like.levels, [counts[f"column {j}"] for j in range(len(like.levels))])
    made._name_columns(like)
    return made
