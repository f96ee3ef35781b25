"""Write a graft: a folder without pickles and without patient rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from medgraft.cohort import Cohort

FORMAT = 1


def save(folder: str | Path, model: Any, cohort: Cohort, facts: dict[str, Any]) -> None:
    """Write a fitted arm and its data contract to `folder`.

    A network goes to ``model.safetensors`` with its settings in ``graft.json``; any other estimator
    to ``model.skops``. ``graft.json`` holds the contract (columns, kinds, categories, classes,
    preprocessing) and the SHA-256 of every file beside it.

    Parameters
    ----------
    folder : path
        Made if absent.
    model : estimator
        Fitted; a network offers ``state()``, a pipeline a network ``featuriser``.
    cohort : Cohort
        The training cohort; only its schema is written, never a row.
    facts : dict
        More entries for ``graft.json``.
    """
    import medgraft

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    parts: list[dict[str, Any]] = []
    for role, part in _parts(model):
        parts.append(_write_part(folder, role, part))
        _share(folder, parts)
    manifest = {
        "format": FORMAT,
        "medgraft": medgraft.__version__,
        "task": cohort.task,
        "classes": cohort.classes,
        "label": cohort.label,
        "kind": cohort.kind,
        "schema": cohort.schema(),
        "parts": parts,
        **facts,
    }
    (folder / "graft.json").write_text(json.dumps(manifest, indent=2) + "\n")


def _share(folder: Path, parts: list[dict[str, Any]]) -> None:
    """Let the last part be read from an earlier file of the same content: members may share a network."""
    last = parts[-1]
    for earlier in parts[:-1]:
        if earlier["sha256"] == last["sha256"] and Path(earlier["file"]).suffix == Path(last["file"]).suffix:
            (folder / last["file"]).unlink()
            last["file"] = earlier["file"]
            return


def _parts(model: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the parts of a model and their roles; those of an ensemble's members have its place before."""
    while hasattr(model, "best_"):  # what was chosen is the model; the choice itself is over
        model = model.best_
    if hasattr(model, "members_"):
        for number, member in enumerate(model.members_.values()):
            yield from _parts(member, f"{place}{number}.")
        model = model.shell()
    if getattr(model, "featuriser", None) is not None:
        yield f"{place}featuriser", model.featuriser
        yield from _parts(model.estimator_, place)
    else:
        yield f"{place}estimator", model


def _write_part(folder: Path, role: str, part: Any) -> dict[str, Any]:
    name = f"{type(part).__module__}:{type(part).__qualname__}"
    if hasattr(part, "state"):
        from safetensors.torch import save_file

        config, tensors = part.state()
        path = folder / f"{role}.safetensors"
        save_file({k: t.detach().cpu().contiguous() for k, t in tensors.items()}, path)
        entry = {"role": role, "class": name, "file": path.name, "config": config}
    else:
        import skops.io

        path = folder / f"{role}.skops"
        skops.io.dump(part, path)
        entry = {"role": role, "class": name, "file": path.name}
    return entry | {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
