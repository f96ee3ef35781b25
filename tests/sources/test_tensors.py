"""Files of weights."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from medgraft.base import MedgraftError
from medgraft.sources import Pretrained
from medgraft.sources.tensors import read_tensors

TENSORS = {"a.weight": torch.arange(6.0).view(2, 3), "b": torch.ones(2, dtype=torch.float16)}


@pytest.mark.parametrize(
    "wrap",
    [
        lambda t: t,
        lambda t: {"state_dict": t, "epoch": 3},
        lambda t: {"model": {"state_dict": t}},
        lambda t: {f"module.{k}": v for k, v in t.items()},
    ],
)
@pytest.mark.parametrize("suffix", ["pth", "pt"])
def test_saved_tensors_are_found_wherever_a_training_loop_put_them(wrap, suffix, tmp_path):
    path = tmp_path / f"w.{suffix}"
    torch.save(wrap(TENSORS), path)
    found = read_tensors(path)
    assert found.keys() == TENSORS.keys()
    assert all(torch.equal(found[k], TENSORS[k]) for k in found)


class Trap:
    def __reduce__(self):
        import os

        return os.mkdir, ("sprung",)


@pytest.mark.parametrize(
    "make",
    [
        lambda path: torch.save({"w": Trap()}, path),
        lambda path: torch.save(torch.nn.Linear(2, 2), path),
        lambda path: path.write_bytes(b"no weights at all"),
        lambda path: path.write_bytes(b""),
        lambda path: torch.save([1, 2, 3], path),
    ],
)
def test_a_file_that_holds_more_or_less_than_tensors_is_one_sentence_and_runs_nothing(
    make, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "w.pth")
    with pytest.raises(MedgraftError, match="state_dict"):
        read_tensors(tmp_path / "w.pth")
    assert not (tmp_path / "sprung").exists()


def test_a_network_is_the_same_from_either_kind_of_file(tmp_path):
    import timm

    torch.manual_seed(0)
    state = timm.create_model("mobilenetv2_035", pretrained=False).state_dict()
    torch.save(state, tmp_path / "w.pth")
    save_file(state, tmp_path / "w.safetensors")
    one, two = (Pretrained(f"{tmp_path}/w.{s}@timm:mobilenetv2_035").load() for s in ("pth", "safetensors"))
    assert one.report.fraction == 1.0
    assert all(torch.equal(one.tensors()[k], v) for k, v in two.tensors().items())
    assert one.fingerprint == two.fingerprint
