"""Write a graft: a folder without pickles and without patient rows."""

from __future__ import annotations

import hashlib
import json
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


def _parts(model: Any) -> list[tuple[str, Any]]:
    if getattr(model, "featuriser", None) is not None:
        return [("featuriser", model.featuriser), ("estimator", model.estimator_)]
    return [("estimator", model)]


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
