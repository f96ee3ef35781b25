"""Loading: the right weights, all of them, or one sentence."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from medgraft.base import MedgraftError
from medgraft.sources import networks
from medgraft.sources.backbone import Backbone, load
from medgraft.sources.hub import fetch
from medgraft.sources.resolve import resolve

SMALL = "torchvision:squeezenet1_1"


def pixels(channels=3, n=2, size=224, seed=0):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.integers(0, 256, (n, channels, size, size), dtype=np.uint8))


def features(backbone, images):
    with torch.inference_mode():
        return backbone.module(images)


@pytest.fixture(scope="module")
def small_file(tmp_path_factory):
    """A weight file of random numbers, half precision, with a head."""
    from torchvision.models import squeezenet1_1

    torch.manual_seed(5)
    path = tmp_path_factory.mktemp("w") / "squeezenet1_1.safetensors"
    save_file({k: v.half() for k, v in squeezenet1_1().state_dict().items()}, path)
    return path


HALVED = ("torchvision:googlenet", "torchvision:inception_v3")


@pytest.mark.parametrize("name", [n for n in networks if not networks[n].builder])
def test_the_registry_says_what_the_library_says(name):
    from medgraft.sources.build import facts

    mine, theirs = networks[name], facts(*name.split(":"))
    assert (mine.input_size, mine.interpolation) == (theirs.input_size, theirs.interpolation)
    assert mine.licence.lower() == theirs.licence.lower()
    if name in HALVED:  # the library undoes its own normalisation inside the network
        assert mine.mean == mine.std == (0.5, 0.5, 0.5)
    else:
        assert (mine.mean, mine.std) == (theirs.mean, theirs.std)
    assert theirs.first_layer in ("", mine.first_layer) and theirs.head in ("", mine.head)
    assert mine.url == theirs.url


@pytest.mark.parametrize("name", HALVED)
@pytest.mark.slow
def test_halves_are_what_the_library_s_transform_comes_to(name):
    import torchvision

    entry = networks[name]
    torch.manual_seed(0)
    args = {"aux_logits": True, "transform_input": True, "init_weights": True}
    whole = torchvision.models.get_model(entry.architecture, weights=None, **args).eval()
    backbone = load(name, pretrained=False)
    own = {k: v for k, v in whole.state_dict().items() if k in backbone.module.net.state_dict()}
    backbone.module.net.load_state_dict(own)
    whole.fc = torch.nn.Identity()
    images = pixels(size=entry.input_size)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    with torch.inference_mode():
        truth = whole((images.float() / 255 - mean[:, None, None]) / std[:, None, None])
    assert (features(backbone, images) - truth).abs().max() < 1e-4 * truth.abs().max()


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_any_number_of_channels_keeps_the_same_contract(small_file, channels):
    backbone = load(str(small_file), channels=channels)
    assert features(backbone, pixels(channels)).shape == (2, 512)
    assert backbone.report.adapted == (() if channels == 3 else ("features.0.weight",))
    assert backbone.report.random == ()
    assert backbone.report.fraction == 1.0


def test_a_file_loads_exactly_and_as_float32(small_file):
    from safetensors.torch import load_file

    backbone = load(str(small_file))
    given = load_file(small_file)
    for name, tensor in backbone.tensors().items():
        assert tensor.dtype == torch.float32
        assert torch.equal(tensor, given[name].float())
    assert set(backbone.report.skipped) == {"classifier.1.weight", "classifier.1.bias"}
    assert len(backbone.report.loaded) == 50
    assert "50 of 50 trunk tensors loaded" in backbone.report.sentence()


def test_features_are_those_of_the_library_itself(small_file):
    from safetensors.torch import load_file
    from torchvision.models import squeezenet1_1

    whole = squeezenet1_1().eval()
    whole.load_state_dict({k: v.float() for k, v in load_file(small_file).items()})
    images = pixels()
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = (images.float() / 255 - mean[:, None, None]) / std[:, None, None]
    with torch.inference_mode():
        truth = whole.features(x).mean(dim=(2, 3))
    assert torch.allclose(features(load(str(small_file)), images), truth, atol=1e-4)


@pytest.mark.parametrize("pretrained", [True, False])
def test_normalisation_is_applied_with_and_without_trained_weights(small_file, pretrained):
    backbone = load(str(small_file), pretrained=pretrained)
    images = pixels()
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = (images.float() / 255 - mean[:, None, None]) / std[:, None, None]
    with torch.inference_mode():
        assert torch.allclose(features(backbone, images), backbone.module.net(x), atol=1e-4)
        assert not torch.allclose(features(backbone, images), backbone.module.net(images.float()), atol=1e-2)


def test_weights_of_another_architecture_are_refused(small_file):
    with pytest.raises(MedgraftError, match=r"squeezenet1_1\.safetensors' are of another architecture"):
        load(f"{small_file}@timm:mobilenetv2_100")


def test_under_ninety_percent_is_an_error_unless_allowed(small_file, tmp_path):
    from safetensors.torch import load_file

    weights = load_file(small_file)
    gone = [n for n in sorted(weights) if n.startswith("features")][:6]  # 44 of 50 are left: 88 %
    path = tmp_path / "part.safetensors"
    save_file({k: v for k, v in weights.items() if k not in gone}, path)
    with pytest.raises(MedgraftError, match="only 44 of 50 trunk tensors"):
        load(f"{path}@{SMALL}")
    backbone = load(f"{path}@{SMALL}", allow_partial=True)
    assert sorted(backbone.report.random) == gone
    assert backbone.report.fraction == pytest.approx(0.88)


def test_a_tensor_of_another_shape_stays_random_and_is_named(small_file, tmp_path):
    from safetensors.torch import load_file

    weights = load_file(small_file)
    weights["features.3.squeeze.weight"] = torch.zeros(7, 7, 1, 1)
    path = tmp_path / "odd.safetensors"
    save_file(weights, path)
    assert load(f"{path}@{SMALL}").report.random == ("features.3.squeeze.weight",)


def test_a_wrapper_left_by_a_training_loop_is_looked_through(small_file, tmp_path):
    from safetensors.torch import load_file

    path = tmp_path / "wrapped.safetensors"
    save_file({f"module.{k}": v for k, v in load_file(small_file).items()}, path)
    assert load(f"{path}@{SMALL}").fingerprint == load(str(small_file)).fingerprint


def test_random_weights_follow_the_seed_and_leave_the_global_state_alone():
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    one, same, other = (load(SMALL, pretrained=False, seed=s) for s in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert one.fingerprint == same.fingerprint != other.fingerprint
    assert one.report.sentence() == f"{SMALL}: random weights in all 50 tensors."


def test_what_is_rebuilt_is_the_same_to_the_last_bit(small_file):
    backbone = load(str(small_file), channels=1)
    again = Backbone.from_config(backbone.config(), backbone.tensors())
    assert again.fingerprint == backbone.fingerprint
    assert torch.equal(features(again, pixels(1)), features(backbone, pixels(1)))


def test_rebuilding_from_foreign_weights_is_refused(small_file):
    backbone = load(str(small_file))
    tensors = backbone.tensors()
    tensors.pop("features.0.weight")
    with pytest.raises(MedgraftError, match="do not fit"):
        Backbone.from_config(backbone.config(), tensors)


def test_a_download_that_fails_offers_a_local_file(monkeypatch):
    def broken(spec):
        raise OSError("no route to the hub")

    monkeypatch.setattr("medgraft.sources.hub.download", broken)
    with pytest.raises(
        MedgraftError, match=r"cannot be downloaded \(no route to the hub\).*weights\.safetensors@"
    ):
        fetch(resolve("timm:resnet18"))
    with pytest.raises(MedgraftError, match="give a local file"):
        load("timm:resnet18")


def test_a_download_is_loaded_like_a_file(monkeypatch):
    from torchvision.models import squeezenet1_1

    monkeypatch.setattr("medgraft.sources.hub.download", lambda spec: squeezenet1_1().state_dict())
    assert load(SMALL).report.fraction == 1.0


def test_a_grey_image_means_the_same_in_one_channel_as_in_three(shared_weights):
    path = str(shared_weights("mobilenetv2_100.safetensors"))  # equal means: the identity is exact
    grey = pixels(1)
    three = features(load(path), grey.expand(-1, 3, -1, -1))
    assert torch.allclose(features(load(path, channels=1), grey), three, atol=1e-3)


def test_real_weights_load_without_a_gap(shared_weights):
    for name, d in (("mobilenetv2_100", 1280), ("squeezenet1_1", 512)):
        backbone = load(str(shared_weights(f"{name}.safetensors")))
        assert backbone.report.fraction == 1.0
        assert backbone.d == d


def test_the_published_cifar_network_is_known_by_its_metadata(shared_weights):
    path = str(shared_weights("cifar10_resnet20.safetensors"))
    backbone = load(path)
    assert backbone.spec.name == "medgraft:cifar_resnet20" and backbone.preprocess.size == 32
    assert (backbone.report.fraction, backbone.report.random) == (1.0, ())
    assert backbone.report.skipped == ("linear.bias", "linear.weight") and backbone.d == 64
    assert load(f"{path}@medgraft:cifar_resnet20").fingerprint == backbone.fingerprint


def test_a_network_of_our_own_has_no_weights_to_download():
    with pytest.raises(MedgraftError, match=r"no weights to download: give a file.*@medgraft:cifar_resnet20"):
        load("medgraft:cifar_resnet20")
