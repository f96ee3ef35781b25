"""The planned cost is a sum of probes, each taken as often as there is work of its kind."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from medgraft.methods.finetune import cost


def test_seconds_are_probes_times_images_passes_and_epochs(monkeypatch):
    monkeypatch.setattr(cost, "step_seconds", lambda network, backbone, first: (0.5, 2.0))
    monkeypatch.setattr(cost, "forward_seconds", lambda backbone: 1.0)
    backbone = SimpleNamespace(preprocess=SimpleNamespace(seconds=0.25))
    price = cost.training(None, backbone, 3, epochs=10, views=4, head=True)
    # By hand: an image to learn from costs 1 (head) + 4 x 0.5 (frozen blocks) + 10 x 2, and is read twice.
    assert price.seconds(100, 0) == pytest.approx(100 * (1.0 + 2.0 + 20.0 + 2 * 0.25))
    assert price.seconds(0, 7) == pytest.approx(7 * (1.0 + 0.25))
    assert price.saved == pytest.approx((10 - 4) * 0.5)
    again = cost.training(None, backbone, 3, epochs=10, views=4, head=True, kept=False)
    assert again.seconds(1, 0) - price.seconds(1, 0) == pytest.approx(price.saved)
    assert again.saved == 0.0
    scratch = cost.training(None, backbone, 0, epochs=10, views=4, head=False)
    assert price.seconds(1, 0) - scratch.seconds(1, 0) == pytest.approx(1.0)
