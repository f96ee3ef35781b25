"""How an arm names one of several networks."""

from __future__ import annotations

import pytest
from safetensors.torch import save_file

import medgraft as mg
from medgraft.sources import Pretrained
from medgraft.trial.parts import named


def file_of(path):
    net = Pretrained("medgraft:cifar_resnet20").load(pretrained=False)
    save_file(net.tensors(), str(path), metadata={"library": "medgraft", "architecture": "cifar_resnet20"})
    return Pretrained(str(path))


def test_a_name_that_is_one_networks_own_is_not_that_of_a_file_of_the_same_architecture(tmp_path):
    own, other = Pretrained("medgraft:cifar_resnet20"), file_of(tmp_path / "later.safetensors")
    for parts in ([own, other], [other, own]):
        assert named(parts, "cifar_resnet20") is own
        assert named(parts, "medgraft:cifar_resnet20") is own
        assert named(parts, "later") is other
    assert named([other], "cifar_resnet20") is other


def test_two_files_of_one_architecture_are_told_apart_by_their_names_alone(tmp_path):
    parts = [file_of(tmp_path / "a.safetensors"), file_of(tmp_path / "b.safetensors")]
    assert named(parts, "b") is parts[1]
    with pytest.raises(mg.MedgraftError, match="Several networks"):
        named(parts, "cifar_resnet20")
