"""Which site each row comes from, numbered by content."""

from __future__ import annotations

from typing import Any

import numpy as np

from medgraft.methods.rows import Rows
from medgraft.methods.splits import Ints


def site_codes(rows: Rows, domain: Any) -> tuple[Ints, list[str]]:
    """Return the site (n,) of each row, 0 for the target and 1 to S for sources, and the sources' names.

    Sources are numbered in the order of their rows' content: a site's name must not touch a digit.
    """
    names = np.asarray(domain).astype(str)[rows.index]
    keys = rows.table.keys()
    first = {name: keys[rows.source & (names == name)].min() for name in set(names[rows.source].tolist())}
    sources = sorted(first, key=lambda name: (first[name], name))
    site = np.zeros(len(names), dtype=np.intp)
    for k, name in enumerate(sources):
        site[rows.source & (names == name)] = k + 1
    return site, sources
