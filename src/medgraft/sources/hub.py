"""Weights by name: whatever the network's own library downloads."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from io import StringIO

import torch

from medgraft.base import MedgraftError
from medgraft.sources.resolve import PretrainedSpec


def fetch(spec: PretrainedSpec) -> dict[str, torch.Tensor]:
    """Return the library's own weights of a network, downloaded once and kept by the library.

    Raises
    ------
    MedgraftError
        They cannot be had (no connection, or the library offers none).
    """
    try:
        with _quiet():
            return download(spec)
    except MedgraftError:
        raise
    except Exception as error:  # hub clients raise what they like: OSError, HTTPError, RuntimeError, ...
        why = (str(error) or type(error).__name__).strip().splitlines()[0]
        raise MedgraftError(
            f"The weights of '{spec.name}' cannot be downloaded ({why.split('. ')[0].strip('<>.')[:120]}): "
            f"give a local file instead, as in --source weights.safetensors@{spec.name}."
        ) from error


def download(spec: PretrainedSpec) -> dict[str, torch.Tensor]:
    """Ask the library; apart, so that a test can make it fail."""
    if spec.library == "medgraft":
        raise MedgraftError(
            f"'{spec.name}' has no weights to download: give a file, as in --source weights.safetensors@"
            f"{spec.name}."
        )
    if spec.library == "timm":
        import timm

        state = timm.create_model(spec.architecture, pretrained=True, **spec.model_args).state_dict()
    else:
        import torchvision

        # Through the model, because older files need their keys renamed by it.
        state = torchvision.models.get_model(spec.architecture, weights="DEFAULT").state_dict()
    return dict(state)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the clients' retries and bars off the screen: one sentence will say what happened."""
    logger = logging.getLogger("huggingface_hub")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with redirect_stderr(StringIO()):
            yield
    finally:
        logger.setLevel(before)
