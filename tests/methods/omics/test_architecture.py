from __future__ import annotations

import numpy as np
import pytest
import torch

from medgraft.base import MedgraftError
from medgraft.methods.omics.architecture import choose_architecture, light_up
from medgraft.methods.omics.planted import planted_network
from medgraft.networks.omics_autoencoder import OmicsAutoencoder

TOY = planted_network(3, 12, 60, seed=1)
SETTINGS = {"top": 12, "draws": 300, "epochs": 60, "lr": 0.01}


def confounded(n=80, seed=0):
    """Rows that follow the modules, under a stronger batch effect on forty genes of no module."""
    rng = np.random.default_rng(seed)
    X = TOY.rows(n, noise=0.3, seed=seed)
    X[:, TOY.module < 0] *= 0.2
    X[:, -40:] += rng.normal(size=(n, 1))
    return X


def test_the_code_that_has_room_for_the_modules_is_preferred_to_the_one_that_sees_the_batch_alone():
    ranked = choose_architecture(confounded(), TOY.genes, TOY.edges, [([], 1), ([], 4)], **SETTINGS)
    assert [a.latent for a in ranked] == [4, 1]
    assert ranked[0].coherence.share >= 0.5 and ranked[1].coherence.share == 0.0
    named = {g: m for g, m in zip(TOY.genes, TOY.module, strict=True)}
    assert {named[g] for g in ranked[1].coherence.top[0]} == {-1}


def test_what_a_node_lights_up_is_its_decoding_alone_less_that_of_nothing():
    torch.manual_seed(0)
    net = OmicsAutoencoder(6, [5], 3)
    Z = np.random.default_rng(0).normal(size=(20, 6))
    lit = light_up(net, Z)
    codes = net.code(torch.tensor(Z, dtype=torch.float32)).detach().numpy()
    for j in range(3):
        e = torch.zeros(3)
        e[j] = float(np.abs(codes[:, j]).max())
        expected = (net.decoder(e) - net.decoder(torch.zeros(3))).detach().numpy()
        np.testing.assert_allclose(lit[j], expected, atol=1e-6)


def test_the_order_of_rows_and_unit_of_columns_do_not_touch_the_choice_and_the_rows_stay():
    X = confounded(40)
    patients = np.arange(40) // 2
    before = X.copy()
    state = torch.random.get_rng_state()
    order = np.random.default_rng(2).permutation(40)
    grid = [([4], 2), ([], 3)]
    settings = {**SETTINGS, "epochs": 5}
    a = choose_architecture(X, TOY.genes, TOY.edges, grid, groups=patients, **settings)
    b = choose_architecture(X[order], TOY.genes, TOY.edges, grid, groups=patients[order], **settings)
    for one, two in zip(a, b, strict=True):
        assert (one.hidden, one.latent, one.loss) == (two.hidden, two.latent, two.loss)
        np.testing.assert_array_equal(one.coherence.z, two.coherence.z)
    np.testing.assert_array_equal(X, before)
    assert torch.equal(state, torch.random.get_rng_state())


def test_gaps_and_columns_that_do_not_vary_are_no_obstacle():
    X = confounded(40)
    X[3, 5] = np.nan
    X[:, 7] = 1.0
    found = choose_architecture(X, TOY.genes, TOY.edges, [([], 2)], **{**SETTINGS, "epochs": 3})
    assert found[0].coherence.genes == 95 and np.isfinite(found[0].loss)


@pytest.mark.parametrize(
    ("grid", "genes", "why"),
    [
        ([], TOY.genes, "The grid is empty"),
        ([([8], 0)], TOY.genes, "every width must be 1 or more"),
        ([([8], 2)], TOY.genes[:-1], "give one a column"),
    ],
)
def test_a_grid_that_cannot_be_tried_is_refused(grid, genes, why):
    with pytest.raises(MedgraftError, match=why):
        choose_architecture(confounded(20), genes, TOY.edges, grid, **SETTINGS)
