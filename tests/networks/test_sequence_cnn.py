from __future__ import annotations

import torch

from medgraft.networks.sequence_cnn import sequence_cnn


def test_a_motif_is_found_with_the_same_strength_wherever_it_stands():
    """Moved by an even number of letters, since maxima are taken of pairs."""
    torch.manual_seed(0)
    net = sequence_cnn(channels=4, samples=60).eval()
    motif = torch.eye(4)[torch.randint(0, 4, (12,))].T
    at = []
    for start in (14, 24, 36):
        x = torch.zeros(1, 4, 60)
        x[0, :, start : start + 12] = motif
        with torch.no_grad():
            at.append(net(x))
    assert at[0].abs().sum() > 0
    assert torch.allclose(at[0], at[1], atol=1e-6) and torch.allclose(at[0], at[2], atol=1e-6)


def test_a_filter_that_is_a_motif_answers_with_its_number_of_matching_letters():
    net = sequence_cnn(channels=4, samples=12, filters=1, kernel=3).eval()
    acg = torch.eye(4)[[0, 1, 2]].T
    net.conv1.weight.data[0] = acg
    x = torch.zeros(1, 4, 12)
    x[0, :, 5:8] = acg
    with torch.no_grad():
        answers = net.conv1(net.pad1(x))[0, 0]
    assert answers.argmax() == 6 and answers.max() == 3
