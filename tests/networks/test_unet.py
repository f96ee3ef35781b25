from __future__ import annotations

import torch

from medgraft.networks.unet import UNetDecoder


def maps(b=2, channels=(3, 8, 16), side=(24, 16)):
    return [torch.randn(b, c, side[0] >> i, side[1] >> i) for i, c in enumerate(channels)]


def test_scores_lie_on_the_finest_map_whatever_the_sizes_below():
    torch.manual_seed(0)
    decoder = UNetDecoder([3, 8, 16, 32], 5)
    odd = [
        torch.randn(1, c, *s)
        for c, s in zip((3, 8, 16, 32), ((21, 13), (11, 7), (6, 4), (3, 2)), strict=True)
    ]
    assert decoder(odd).shape == (1, 5, 21, 13)


def test_after_training_samples_of_a_batch_do_not_see_each_other():
    torch.manual_seed(0)
    decoder, both = UNetDecoder([3, 8, 16], 2), maps()
    decoder.train()(both)
    decoder.eval()
    alone = torch.cat([decoder([m[i : i + 1] for m in both]) for i in range(2)])
    torch.testing.assert_close(decoder(both), alone)


def test_one_sample_whose_coarsest_map_is_one_pixel_trains_and_leaves_that_level_s_statistics_alone():
    torch.manual_seed(0)
    decoder = UNetDecoder([3, 8], 2).train()
    decoder([torch.randn(1, 3, 2, 2), torch.randn(1, 8, 1, 1)]).sum().backward()
    bottom, above = decoder.bottom[1], decoder.levels[0][0][1]
    assert not bottom.running_mean.any() and above.running_mean.any()


def test_every_map_reaches_the_scores():
    torch.manual_seed(0)
    decoder, given = UNetDecoder([3, 8, 16], 2), [m.requires_grad_() for m in maps()]
    decoder(given).square().sum().backward()
    assert all(m.grad is not None and m.grad.abs().sum() > 0 for m in given)


def test_a_decoder_that_begins_at_shares_predicts_near_them():
    torch.manual_seed(0)
    decoder, given = UNetDecoder([3, 8, 16], 3), maps()
    with torch.no_grad():
        decoder.final.weight.zero_()
        decoder.begin([0.9, 0.0999, 0.0001])
        p = decoder(given).softmax(dim=1).mean(dim=(0, 2, 3))
    torch.testing.assert_close(p, torch.tensor([0.9, 0.0999, 0.0001]), rtol=1e-3, atol=1e-6)
