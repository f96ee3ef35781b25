"""A network as a source, before it is loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest

from medgraft.base import MedgraftError
from medgraft.sources import Pretrained, networks, source, source_kind
from sources.test_resolve import write_header


def test_a_name_and_a_weight_file_are_networks_and_anything_that_exists_is_a_cohort(tmp_path):
    assert source_kind("timm:resnet18") == "network"
    assert source_kind("torchvision:anything") == "network"
    assert source_kind("weights.safetensors") == "network"
    assert source_kind("weights.safetensors@timm:resnet18") == "network"
    assert source_kind(str(tmp_path)) == "cohort"


def test_neither_file_nor_network_gets_the_nearest_name():
    with pytest.raises(MedgraftError, match="neither.*Did you mean 'timm:resnet18'"):
        source_kind("resnet18")


def test_a_folder_is_to_be_read_by_its_reader(tmp_path):
    with pytest.raises(MedgraftError, match=r"medgraft\.read"):
        source(tmp_path)


def test_a_source_stays_what_it_is():
    network = Pretrained("timm:resnet18")
    assert source(network) is network
    assert Pretrained.of(network) is network
    assert Pretrained.of("timm:resnet18") == network


def test_no_source_says_what_to_give():
    with pytest.raises(MedgraftError, match="--source"):
        Pretrained.of(None)


def test_impossible_channels_are_refused():
    with pytest.raises(MedgraftError, match="use 1, 3 or 4"):
        Pretrained("timm:resnet18", channels=2)


def test_the_fingerprint_follows_content_and_settings_but_not_the_place(tmp_path):
    facts = {"library": "timm", "architecture": "resnet18"}
    (tmp_path / "b").mkdir()
    one = Pretrained(write_header(tmp_path / "a.safetensors", facts))
    moved = Pretrained(write_header(tmp_path / "b" / "c.safetensors", facts))
    other = Pretrained(write_header(tmp_path / "d.safetensors", facts | {"licence": "MIT"}))
    assert one.fingerprint() == moved.fingerprint()
    assert len({p.fingerprint() for p in (one, other, Pretrained(one.spec, channels=1))}) == 3


def test_the_registry_answers_to_the_package():
    import medgraft.sources as sources

    assert sources["timm:resnet18"] is networks["timm:resnet18"]
    assert "torchvision:vgg16" in sources


def test_facts_and_fingerprints_need_no_torch(tmp_path):
    path = write_header(tmp_path / "a.safetensors", {"library": "timm", "architecture": "resnet18"})
    code = (
        "import sys; from medgraft.sources import Pretrained, source_kind;"
        f"Pretrained({path!r}).fingerprint(); source_kind('timm:resnet18');"
        "print([m for m in ('torch', 'timm', 'torchvision') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
