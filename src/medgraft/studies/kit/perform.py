"""From a study to its account: honestly, with its leaks, or both and what they made of it."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from medgraft.base import MedgraftError, did_you_mean
from medgraft.studies.kit import account
from medgraft.studies.kit.card import Study
from medgraft.studies.kit.found import find
from medgraft.studies.kit.optimism import optimism
from medgraft.studies.kit.run import Run

PROTOCOLS = ("honest", "as_published", "both")


def perform(
    study: Study,
    out: str | Path,
    *,
    data: Sequence[str | Path] | str | Path = (),
    generated: bool = False,
    protocol: str = "honest",
    backbones: Sequence[str] | str = (),
    size: int | None = None,
    limit: int | None = None,
    repeats: int = 1,
    seed: int = 0,
    jobs: int = 1,
    progress: bool = False,
) -> dict[str, Any]:
    """Run a study and return its account, which is also written to ``out/study.json``.

    Use it to repeat a study, or to see what its method does on your own cohort of the same form. Not as a
    replication of its figures: data, networks and settings that could not be read are told in the account.

    Parameters
    ----------
    study : Study
    out : path
        An empty or new folder, or that of an interrupted run, which goes on.
    data : path or sequence of path or "NAME=path"
        See `medgraft.studies.kit.found.find`.
    generated : bool, default False
        Small generated data.
    protocol : {"honest", "as_published", "both"}
        ``"honest"``: patients, lesions or copies stay together, and everything that learns does so inside the
        training part. ``"as_published"``: with the leaks that are known or supposed. ``"both"``: and the
        difference of the two, the optimism of the leaks, for each experiment that both have; see
        `medgraft.studies.kit.optimism`.
    backbones : sequence of str
        Networks in place of the published ones; see ``medgraft sources``.
    size : int, optional
        Pixels of a side that images are brought to.
    limit : int, optional
        At most so many samples of each class, drawn by patient.
    repeats, seed, jobs : int
    progress : bool

    Returns
    -------
    dict
        ``study``, ``protocol``, ``leaks``, ``data``, ``networks``, ``experiments`` (each with ``arms``,
        ``method``, ``control``, ``difference``, ``ci``, ``verdict``), ``verdict``, ``notes``; of ``"both"``
        ``honest``, ``as_published`` and ``optimism``.

    Raises
    ------
    MedgraftError
        There are no data, or a setting is unknown.
    """
    if protocol not in PROTOCOLS:
        raise MedgraftError(f"There is no protocol '{protocol}'.{did_you_mean(protocol, PROTOCOLS)}")
    if protocol != "honest" and not study.leaks:
        raise MedgraftError(f"No leak of {study.key} is known: it has the protocol 'honest' alone.")
    given = [data] if isinstance(data, str | Path) else list(data)
    names = [backbones] if isinstance(backbones, str) else list(backbones)
    out = Path(out)
    _check(out, study.key, protocol)
    if size is not None and not 8 <= size <= 4096:
        raise MedgraftError(f"Images cannot be given a side of {size} pixels: use 8 to 4096.")
    if len(names) > len(study.networks):
        raise MedgraftError(
            f"{study.key} has {len(study.networks)} published networks, and {len(names)} are given in their "
            "place: give fewer --backbone."
        )
    found = find(study, given, generated, out / "data", seed)

    def once(which: str, place: Path) -> tuple[Run, dict[str, Any]]:
        run = Run(study, found, place, which, seed, repeats, limit, names, size, jobs, progress)
        place.mkdir(parents=True, exist_ok=True)
        begun = time.process_time()
        study.recipe(run)
        told = account.whole(study, run, time.process_time() - begun)
        account.write(told, place)
        return run, told

    if protocol != "both":
        return once(protocol, out)[1]
    first, honest = once("honest", out / "honest")
    second, published = once("as_published", out / "as_published")
    both = {
        "study": study.key,
        "ref": study.ref,
        "protocol": "both",
        "verdict": honest["verdict"],
        "honest": honest,
        "as_published": published,
        "optimism": optimism(first, second),
    }
    account.write(both, out)
    return both


def _check(out: Path, key: str, protocol: str) -> None:
    """Refuse a folder that is a file, or holds another run."""
    if out.exists() and not out.is_dir():
        raise MedgraftError(f"'{out}' is a file: --out takes a folder.")
    if (out / account.FILE).exists():
        held = json.loads((out / account.FILE).read_text())
        if (held.get("study"), held.get("protocol")) != (key, protocol):
            raise MedgraftError(
                f"'{out}' holds a run of {held.get('study')} ({held.get('protocol')}): choose another --out."
            )
