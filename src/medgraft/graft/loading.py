"""Read a graft from its folder: nothing in it is executed."""

from __future__ import annotations

import hashlib
import importlib
import json
from pathlib import Path
from typing import Any

from medgraft.base import MedgraftError
from medgraft.graft import use as uses
from medgraft.graft.graft import Graft
from medgraft.graft.use import FORMAT


def load(path: str | Path) -> Graft:
    """Read a graft from its folder.

    Every file is compared with the checksum in ``graft.json``; nothing in a graft is executed, and
    only types that skops trusts (scikit-learn, numpy, scipy) and methods of medgraft are made.

    Parameters
    ----------
    path : path
        A folder written by a trial.

    Raises
    ------
    MedgraftError
        The folder holds no graft, a file of it was changed, or it needs a newer medgraft.
    """
    path = Path(path)
    if not (path / "graft.json").exists():
        nested = path / "graft"
        if (nested / "graft.json").exists():
            path = nested  # a run folder: take the graft inside
        else:
            raise MedgraftError(f"'{path}' holds no graft: give the graft folder of a finished trial.")
    try:
        manifest = json.loads((path / "graft.json").read_text())
        whole = {"kind": str, "task": str, "schema": dict, "classes": list | None, "parts": list}
        for name, kind in whole.items():
            if not isinstance(manifest[name], kind):
                raise TypeError(f"its '{name}' is no {getattr(kind, '__name__', kind)}")
        if manifest["format"] > FORMAT:
            raise MedgraftError(
                f"The graft '{path.name}' was written by medgraft {manifest['medgraft']}: update medgraft."
            )
        parts = {entry["role"]: _read_part(path, entry) for entry in manifest["parts"]}
        model = _assemble(parts)
        use = uses.read(path, manifest)
    except (
        KeyError,
        TypeError,
        AttributeError,
        ImportError,
        json.JSONDecodeError,
        UnicodeDecodeError,
    ) as error:
        raise MedgraftError(
            f"The graft '{path}' is damaged: its graft.json cannot be used ({error})."
        ) from error
    return Graft(manifest, model, path, use)


def _assemble(parts: dict[str, Any], place: str = "") -> Any:
    """Put the parts at a place together; the members of an ensemble lie at numbered places below it."""
    model = parts[f"{place}estimator"]
    if hasattr(model, "members_"):
        model.members_ = {
            name: _assemble(parts, f"{place}{number}.") for number, name in enumerate(model.members_)
        }
    if f"{place}featuriser" in parts:
        from medgraft.methods import Pipeline

        fitted = model
        model = Pipeline(parts[f"{place}featuriser"], fitted)
        model.estimator_ = fitted
    return model


def _read_part(folder: Path, entry: dict[str, Any]) -> Any:
    file = folder / Path(entry["file"]).name  # the name alone, so that a graft cannot point elsewhere
    if not file.exists():
        raise MedgraftError(f"The graft '{folder}' is damaged: '{file.name}' is missing.")
    if hashlib.sha256(file.read_bytes()).hexdigest() != entry["sha256"]:
        raise MedgraftError(f"The graft '{folder}' is damaged: '{file.name}' is not the file that was saved.")
    if file.suffix == ".safetensors":
        from safetensors.torch import load_file

        return _class(entry["class"]).from_state(entry["config"], load_file(file))
    import skops.io

    unknown = skops.io.get_untrusted_types(file=file)
    foreign = [t for t in unknown if not t.startswith("medgraft.methods.")]
    if foreign:
        raise MedgraftError(f"The graft '{folder}' holds types that are not trusted: {', '.join(foreign)}.")
    return skops.io.load(file, trusted=unknown)


def _class(name: str) -> Any:
    module, _, attribute = name.partition(":")
    if not module.startswith("medgraft.methods."):
        raise MedgraftError(f"A graft may hold only methods of medgraft, not '{module}'.")
    found = getattr(importlib.import_module(module), attribute)
    if not isinstance(found, type) or not hasattr(found, "from_state"):
        raise TypeError(f"{name} is no method that can be read")
    return found
