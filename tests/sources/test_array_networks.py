"""What every network of signals, sequences and omics keeps to, with random weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from medgraft.base import MedgraftError
from medgraft.sources import Pretrained, networks
from medgraft.sources.arrays import OmicsReading, SequenceReading, SignalReading
from medgraft.sources.backbone import Backbone
from medgraft.sources.forward import run_batches
from medgraft.sources.signals import SignalInput

FLAT = [name for name in networks if networks[name].dims == 1]
READINGS = {
    "medgraft:altumage": OmicsReading([f"cg{j}" for j in range(20318)]),
    "medgraft:mmsplice_donor": SequenceReading(18),
    "medgraft:mmsplice_acceptor": SequenceReading(53),
    "medgraft:sequence_cnn": SequenceReading(40),
    "medgraft:bilstm_attention": SequenceReading(40),
}
SIGNAL = SignalReading(SignalInput(rate=32, seconds=2, channels=("C3", "C4")))


def source(name, path=None):
    return Pretrained(name if path is None else f"{path}@{name}", array=READINGS.get(name, SIGNAL))


def samples(backbone, n):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(n, *backbone.preprocess.shape, generator=generator)


@pytest.mark.parametrize("name", FLAT)
def test_every_network_of_arrays_keeps_the_contract_of_sources(name, tmp_path):
    backbone = source(name).load(pretrained=False)
    x = samples(backbone, 3)
    with torch.inference_mode():
        out = backbone.module(x)
    assert out.shape == (3, backbone.d) and torch.isfinite(out).all()
    assert (out[0] - out[1]).abs().max() > 0

    names = [block for block, _ in backbone.blocks()]
    assert len(names) == len(set(names)) > 1  # a chain: something can be frozen
    with torch.inference_mode():
        for k in range(len(names) + 1):
            again = backbone.module.suffix(backbone.module.prefix(x, k), k)
            torch.testing.assert_close(again, out, rtol=1e-4, atol=1e-5)

    alone = run_batches(1, lambda i: x[2], backbone.module)
    together = run_batches(3, lambda i: x[i], backbone.module)
    assert torch.equal(alone[0], together[2])

    kept = Backbone.from_config(backbone.config(), backbone.tensors())
    assert kept.fingerprint == backbone.fingerprint and kept.kind == backbone.kind
    with torch.inference_mode():
        assert torch.equal(kept.module(x), out)

    file = tmp_path / "own.safetensors"
    save_file(backbone.tensors(), file)
    filled = source(name, file).load(seed=1)
    assert filled.report.fraction == 1.0
    with torch.inference_mode():
        assert torch.equal(filled.module(x), out)


def test_a_network_of_our_own_has_weights_only_in_a_file(tmp_path):
    assert not source("medgraft:resnet1d").trained
    file = tmp_path / "own.safetensors"
    save_file(source("medgraft:resnet1d").load(pretrained=False).tensors(), file)
    assert source("medgraft:resnet1d", file).trained and Pretrained("timm:resnet18").trained


def test_seeds_decide_the_random_weights():
    one, two, other = (
        source("medgraft:eegnet").load(pretrained=False, seed=s).fingerprint for s in (0, 0, 1)
    )
    assert one == two != other


@pytest.mark.parametrize(
    ("spec", "kind", "says"),
    [
        ("medgraft:eegnet", "image", "reads signals, sequences or omics, and the data are images"),
        ("medgraft:eegnet", "signal", "Nobody said how"),
        ("timm:resnet18", "signal", "Nobody said how"),
    ],
)
def test_a_network_refuses_samples_it_cannot_read(spec, kind, says):
    with pytest.raises(MedgraftError, match=says):
        Pretrained(spec).reading(kind)


def test_a_network_of_volumes_reads_no_signal():
    with pytest.raises(MedgraftError, match="reads volumes, and the data are signals"):
        Pretrained("medgraft:resnet3d_10", array=SIGNAL).reading("signal")


def test_a_network_of_images_reads_signals_as_pictures_only():
    with pytest.raises(MedgraftError, match="draw signals with picture="):
        Pretrained("timm:resnet18", array=SIGNAL).reading("signal")
    drawn = SignalReading(SIGNAL.signal, "scalogram:low=2,high=12,size=32")
    assert Pretrained("timm:resnet18", array=drawn).reading("signal").kind == "signal"
    with pytest.raises(MedgraftError, match="leave out picture="):
        Pretrained("medgraft:eegnet", array=drawn).reading("signal")


def test_pixels_of_a_drawn_signal_reach_the_network(tmp_path):
    drawn = SignalReading(SignalInput(rate=64, seconds=4, channels=("1",)), "stockwell:low=2,high=20,size=32")
    t = np.arange(256) / 64
    np.savetxt(tmp_path / "a.txt", np.sin(2 * np.pi * 8 * t))
    backbone = Pretrained("timm:mobilenetv2_100", array=drawn, size=32).load(pretrained=False)
    picture = backbone.preprocess.open(f"{tmp_path / 'a.txt'}::rate=64")
    assert picture.dtype == torch.uint8 and tuple(picture.shape) == (3, 32, 32)
    rows = picture.float().mean(dim=(0, 2))
    assert rows.max() > 4 * rows.min() + 1  # one band is bright
