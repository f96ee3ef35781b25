"""Names, files and what they say of themselves."""

from __future__ import annotations

import json
import struct

import pytest

from medgraft.base import MedgraftError
from medgraft.sources.resolve import PretrainedSpec, read_header, resolve


def write_header(path, metadata):
    """A safetensors file without tensors, written by hand: eight bytes of length, then JSON."""
    text = json.dumps({"__metadata__": metadata}).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text)
    return str(path)


def test_a_registered_name_gives_the_registered_facts():
    spec = resolve("timm:vit_tiny_patch16_224")
    assert (spec.mean, spec.std, spec.interpolation) == ((0.5,) * 3, (0.5,) * 3, "bicubic")


def test_metadata_of_a_file_win_over_the_registry(tmp_path):
    path = write_header(
        tmp_path / "any.safetensors",
        {
            "library": "timm",
            "architecture": "mobilenetv2_100",
            "mean": "0.5,0.25,0.125",
            "std": "1,2,3",
            "input_size": "96",
            "interpolation": "bilinear",
            "licence": "MIT",
            "model_args": '{"pad_type": "same"}',
        },
    )
    spec = resolve(path)
    assert spec.name == "timm:mobilenetv2_100"
    assert spec.mean == (0.5, 0.25, 0.125)
    assert spec.std == (1.0, 2.0, 3.0)
    assert (spec.input_size, spec.interpolation, spec.licence) == (96, "bilinear", "MIT")
    assert spec.model_args == {"pad_type": "same"}
    assert spec.path == path


def test_a_file_named_like_a_registered_network_needs_no_metadata(tmp_path):
    assert (
        resolve(write_header(tmp_path / "squeezenet1_1.safetensors", {})).name == "torchvision:squeezenet1_1"
    )


def test_the_architecture_after_the_at_sign_wins_and_brings_its_own_preprocessing(tmp_path):
    path = write_header(
        tmp_path / "a.safetensors", {"library": "timm", "architecture": "resnet18", "mean": "0,0,0"}
    )
    spec = resolve(f"{path}@timm:mobilenetv2_100")
    assert spec.name == "timm:mobilenetv2_100"
    assert spec.mean == resolve("timm:mobilenetv2_100").mean


def test_a_file_that_says_nothing_asks_for_its_architecture(tmp_path):
    path = write_header(tmp_path / "mystery.safetensors", {})
    with pytest.raises(MedgraftError, match=r"does not say which network.*mystery\.safetensors@timm:"):
        resolve(path)


def test_a_file_of_a_foreign_library_is_refused(tmp_path):
    path = write_header(tmp_path / "a.safetensors", {"library": "keras", "architecture": "x"})
    with pytest.raises(MedgraftError, match="neither timm, torchvision nor medgraft builds"):
        resolve(path)


def test_a_file_of_our_own_network_is_known_by_its_metadata_whatever_remark_follows_the_name(tmp_path):
    facts = {
        "library": "own",
        "architecture": "cifar_resnet20 (option A)",
        "input_size": "32",
        "licence": "MIT",
    }
    path = write_header(tmp_path / "a.safetensors", facts)
    spec = resolve(path)
    assert (spec.name, spec.input_size, spec.licence) == ("medgraft:cifar_resnet20", 32, "MIT")
    assert resolve(f"{path}@medgraft:cifar_resnet20") == spec
    with pytest.raises(MedgraftError, match="There is no network 'medgraft:cifar'.*Did you mean"):
        resolve("medgraft:cifar")


@pytest.mark.parametrize(
    ("args", "why"),
    [
        ('{"pretrained": true}', "may not set 'pretrained'"),
        ('{"checkpoint_path": "/etc/passwd"}', "may not set 'checkpoint_path'"),
        ('{"pretrained_cfg_overlay": {}}', "may not set"),
        ("[1]", "must be a JSON object"),
    ],
)
def test_a_file_cannot_point_the_builder_at_other_files(tmp_path, args, why):
    path = write_header(
        tmp_path / "a.safetensors", {"library": "timm", "architecture": "resnet18", "model_args": args}
    )
    with pytest.raises(MedgraftError, match=why):
        resolve(path)


def test_unreadable_metadata_are_one_sentence(tmp_path):
    path = write_header(
        tmp_path / "a.safetensors", {"library": "timm", "architecture": "resnet18", "mean": "grey"}
    )
    with pytest.raises(MedgraftError, match="metadata of the weight file"):
        resolve(path)


@pytest.mark.parametrize(
    "content", [b"", b"short", struct.pack("<Q", 10**12) + b"{}", b"\x05" + b"\0" * 7 + b"not j"]
)
def test_a_file_that_is_not_safetensors_is_named(tmp_path, content):
    path = tmp_path / "torn.safetensors"
    path.write_bytes(content)
    with pytest.raises(MedgraftError, match=r"torn\.safetensors' is not a whole safetensors file"):
        read_header(path)


def test_a_missing_file_is_named():
    with pytest.raises(MedgraftError, match=r"nowhere\.safetensors' does not exist"):
        resolve("nowhere.safetensors")


@pytest.mark.parametrize("name", ["model.ckpt", "model.h5", "model.bin@timm:resnet18"])
def test_other_files_are_refused_before_they_are_opened(name):
    with pytest.raises(MedgraftError, match="takes .safetensors|no pretrained network"):
        resolve(name)


def test_a_saved_state_says_nothing_of_its_network(tmp_path):
    (tmp_path / "best.pth").write_bytes(b"x")
    with pytest.raises(MedgraftError, match="does not say which network"):
        resolve(str(tmp_path / "best.pth"))
    assert resolve(f"{tmp_path}/best.pth@timm:resnet18").architecture == "resnet18"


def test_a_bare_architecture_gets_its_library_back():
    with pytest.raises(MedgraftError, match="Did you mean 'timm:mobilenetv2_100'"):
        resolve("mobilenetv2_100")


@pytest.mark.parametrize("name", ["timm:resnet81", "torchvision:resnet81"])
def test_an_unknown_network_gets_the_nearest_name(name):
    with pytest.raises(MedgraftError, match=r"There is no network .* Did you mean"):
        resolve(name)


@pytest.mark.parametrize(
    ("name", "size"), [("timm:mobilenetv3_small_100", 224), ("torchvision:inception_v3", 299)]
)
def test_an_unregistered_network_gets_its_facts_from_its_library(name, size):
    spec = resolve(name)
    assert spec.input_size == size
    assert len(spec.mean) == len(spec.std) == 3


def test_facts_survive_json():
    spec = resolve("timm:resnet18")
    assert PretrainedSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec
