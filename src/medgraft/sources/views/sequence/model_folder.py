"""A transformer that lies in a folder, as transformers saves it: found, told apart and loaded."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from medgraft.base import MedgraftError
from medgraft.sources.pretrained import sha256_of

READ = (".json", ".txt", ".model", ".safetensors")  # endings of the files that decide the numbers


class Model:
    """A tokenizer and a transformer in evaluation mode.

    Parameters
    ----------
    folder : str
    """

    def __init__(self, folder: str) -> None:
        transformers = _transformers()
        place = str(Path(folder).expanduser())
        kept: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        try:
            with _quietly(transformers.utils.logging):
                self.tokenizer = transformers.AutoTokenizer.from_pretrained(place, **kept)
                self.net, said = transformers.AutoModel.from_pretrained(
                    place, use_safetensors=True, output_loading_info=True, **kept
                )
        except Exception as error:  # transformers raises nearly everything, by version and model
            raise MedgraftError(
                f"transformers cannot read the model in '{folder}' ({str(error).strip().splitlines()[0]}): "
                "save it there with save_pretrained, and its tokenizer as well."
            ) from error
        lost = [name for name in said["missing_keys"] if "pooler" not in name]
        if lost:
            raise MedgraftError(
                f"The weights in '{folder}' are not those of its config.json: {len(lost)} tensors are "
                f"missing, such as '{sorted(lost)[0]}'. Models that bring code of their own cannot be used."
            )
        self.net = self.net.float().eval()
        places = getattr(self.net.config, "max_position_embeddings", None) or 10**9
        self.longest = min(int(places), int(self.tokenizer.model_max_length))
        self.folder = folder

    def tokens(self, text: str) -> tuple[Any, slice]:
        """Return the numbers of the tokens (T,), and which are the text's own: ``slice(None)`` if none is.

        Raises
        ------
        MedgraftError
            There are more than the model reads.
        """
        import torch

        own = list(self.tokenizer(text, add_special_tokens=False)["input_ids"])
        whole = list(self.tokenizer(text)["input_ids"])
        if len(whole) > self.longest:
            raise MedgraftError(
                f"A sequence has {len(whole)} tokens, and the model in '{self.folder}' reads {self.longest}: "
                "cut the sequences first."
            )
        if all(i == self.tokenizer.unk_token_id for i in own):
            return torch.tensor(whole), slice(None)
        start = next(i for i in range(len(whole)) if whole[i : i + len(own)] == own)
        return torch.tensor(whole), slice(start, start + len(own))

    def states(self, batch: Any, layer: int) -> Any:
        """Return the states (b, T, d) of a layer for numbers of tokens (b, T).

        Raises
        ------
        MedgraftError
            There is no such layer.
        """
        import torch

        whole = torch.ones_like(batch)
        found = self.net(input_ids=batch, attention_mask=whole, output_hidden_states=True).hidden_states
        if not -len(found) <= layer < len(found):
            raise MedgraftError(
                f"The model in '{self.folder}' has no layer {layer}: use 0 to {len(found) - 1}, or -1."
            )
        return found[layer]


@lru_cache(maxsize=1)
def load(folder: str, sha: str) -> Model:
    """Load a model; `sha` is there so that another one in the same folder is loaded anew."""
    import torch

    with torch.random.fork_rng(devices=[]):  # a pooler that the file lacks is drawn
        return Model(folder)


def fingerprint(folder: str) -> str:
    """Return 16 hexadecimal digits over the names and contents of a model's files.

    Raises
    ------
    MedgraftError
        The folder lacks what is needed.
    """
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise MedgraftError(f"There is no folder '{folder}' with a language model: check path=.")
    files = sorted(f for f in root.iterdir() if f.is_file() and f.suffix in READ)
    for needed, what in (("config.json", "config.json"), (".safetensors", "weights in safetensors")):
        if not any(f.name.endswith(needed) for f in files):
            raise MedgraftError(
                f"The folder '{folder}' lacks {what}: save the model there with save_pretrained."
            )
    return _fingerprint(tuple((str(f), f.stat().st_size, f.stat().st_mtime_ns) for f in files))


@lru_cache(maxsize=16)
def _fingerprint(files: tuple[tuple[str, int, int], ...]) -> str:
    said = [(Path(name).name, sha256_of(name)) for name, _, _ in files]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]


def width(folder: str) -> int:
    """Return the width of the states, as the model's config.json says.

    Raises
    ------
    MedgraftError
        It does not.
    """
    try:
        return int(json.loads((Path(folder).expanduser() / "config.json").read_text())["hidden_size"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MedgraftError(
            f"config.json in '{folder}' does not say how wide its states are (hidden_size): take another."
        ) from error


def _transformers() -> Any:
    try:
        return importlib.import_module("transformers")
    except ImportError as error:
        raise MedgraftError(
            "The view 'language-model' needs transformers: pip install 'medgraft[language]'"
        ) from error


@contextmanager
def _quietly(log: Any) -> Iterator[None]:
    """Keep the bars and remarks of transformers to itself, and leave its settings as they were."""
    level, bars = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity_error()
    log.disable_progress_bar()
    try:
        yield
    finally:
        log.set_verbosity(level)
        if bars:
            log.enable_progress_bar()
