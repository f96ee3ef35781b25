"""Embeddings of a tiny BERT: by hand, alone and in company, and never those of another model."""

from __future__ import annotations

import json
import sys
from itertools import product

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file, save_file

from medgraft.base import MedgraftError
from medgraft.methods.views import ViewFeatures
from medgraft.sources.arrays import SequenceReading, reading_to_dict
from medgraft.sources.views import read_view

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *map("".join, product("ACGT", repeat=3))]
TEXTS = ["ACGTA", "GGGCCCAT", "acgua", "TTTTT", "GGGCCCAA"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A function: seed -> folder of a tiny BERT of 3-mers, made once."""
    pytest.importorskip("transformers", reason="transformers is not installed")
    import torch
    from transformers import BertConfig, BertForMaskedLM, BertTokenizer

    done = {}

    def folder(seed=0):
        if seed not in done:
            place = tmp_path_factory.mktemp(f"model{seed}")
            (place / "vocab.txt").write_text("\n".join(WORDS))
            small = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2}
            config = BertConfig(
                vocab_size=len(WORDS), intermediate_size=16, max_position_embeddings=24, **small
            )
            with torch.random.fork_rng():
                torch.manual_seed(seed)
                BertForMaskedLM(config).save_pretrained(place)  # its head is not read, and a pooler missing
            BertTokenizer(str(place / "vocab.txt"), do_lower_case=False).save_pretrained(place)
            done[seed] = place
        return done[seed]

    return folder


@pytest.fixture
def copied(made, tmp_path):
    """A copy of the first model, to be damaged."""
    for file in made().iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


def seen(folder, settings=""):
    return read_view(f"language-model:path={folder},k=3{settings}", "sequence")


def test_what_goes_into_the_first_layer_is_computed_by_hand(made):
    tensors = load_file(made() / "model.safetensors")
    part = {name.split(".embeddings.")[1]: t for name, t in tensors.items() if ".embeddings." in name}
    ids = [WORDS.index(w) for w in ("[CLS]", "ACG", "CGT", "GTA", "[SEP]")]
    rows = part["word_embeddings.weight"][ids] + part["position_embeddings.weight"][:5]
    rows = rows + part["token_type_embeddings.weight"][0]
    rows = (rows - rows.mean(axis=1, keepdims=True)) / np.sqrt(rows.var(axis=1, keepdims=True) + 1e-12)
    rows = rows * part["LayerNorm.weight"] + part["LayerNorm.bias"]
    for pool, expected in (("mean", rows[1:4].mean(0)), ("max", rows[1:4].max(0)), ("first", rows[0])):
        found = seen(made(), f",layer=0,pool={pool}")("ACGTA")
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_last_layer_is_what_transformers_makes_of_the_sequence_alone(made):
    import torch
    from transformers import AutoModel

    net = AutoModel.from_pretrained(made()).eval()
    ids = torch.tensor([[WORDS.index(w) for w in ("[CLS]", "ACG", "CGT", "GTA", "[SEP]")]])
    with torch.no_grad():
        expected = net(ids).last_hidden_state[0, 1:4].mean(dim=0).numpy()
    view = seen(made())
    np.testing.assert_allclose(view("ACGTA"), expected, atol=1e-6)
    assert view.names("") == [f"h{j}" for j in range(8)]


def test_a_sequence_has_the_same_numbers_in_any_company(made):
    view = seen(made())
    whole = view.many(TEXTS)
    assert whole.dtype == np.float32 and whole.shape == (5, 8)
    np.testing.assert_array_equal(whole, np.stack([view(text) for text in TEXTS]))
    np.testing.assert_array_equal(view.many(TEXTS[::-1])[::-1], whole)
    np.testing.assert_array_equal(whole[0], whole[2])  # RNA in small letters is the same sequence
    assert not np.array_equal(whole[1], whole[4])


def test_what_the_tokenizer_knows_nothing_of_is_a_row_of_gaps(made):
    rows = seen(made()).many(["NNNNN", "ACGTA", "AC", ""])
    assert np.isnan(rows[[0, 2, 3]]).all() and np.isfinite(rows[1]).all()
    assert np.isfinite(seen(made())("ACGN")).all()  # one of two words is known


def test_random_numbers_and_threads_of_the_caller_stay_as_they_were(made):
    import torch

    from medgraft.sources.views.sequence.model_folder import load

    load.cache_clear()
    torch.manual_seed(5)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    first = seen(made()).many(TEXTS)
    assert torch.equal(torch.get_rng_state(), state) and torch.get_num_threads() == threads
    load.cache_clear()
    np.testing.assert_array_equal(seen(made()).many(TEXTS), first)


def test_the_text_of_the_view_holds_the_fingerprint_and_refuses_another_model(made, copied):
    view = seen(made())
    assert read_view(str(view)) == view and f"sha={view.sha}" in str(view) and len(view.sha) == 16
    assert seen(copied).sha == view.sha  # the place plays no part
    assert seen(made(1)).sha != view.sha
    with pytest.raises(MedgraftError, match="is another one than features were made by"):
        seen(made(1), f",sha={view.sha}")


def test_features_that_are_kept_are_never_those_of_another_model_in_the_same_folder(made, copied):
    X = pd.DataFrame({"sequence": TEXTS})
    names, reading = [f"language-model:path={copied},k=3", "kmers:k=1"], reading_to_dict(SequenceReading(8))
    fitted = ViewFeatures(names, reading)
    first = fitted.transform(X)
    np.testing.assert_array_equal(first.iloc[:, :8], seen(made()).many(TEXTS).astype(float))
    assert list(first.columns[:1]) == [f"{names[0]}__h0"] and first.shape == (5, 12)
    for file in made(1).iterdir():
        (copied / file.name).write_bytes(file.read_bytes())
    second = ViewFeatures(names, reading).transform(X)
    np.testing.assert_array_equal(second.iloc[:, :8], seen(made(1)).many(TEXTS).astype(float))
    assert not np.isclose(first.iloc[:, :8], second.iloc[:, :8]).any()
    with pytest.raises(MedgraftError, match="others than this one was fitted with"):
        fitted.transform(X)


def test_what_was_fitted_knows_its_model_when_it_is_saved_and_loaded(made, copied):
    from skops.io import dumps, loads

    X = pd.DataFrame({"sequence": TEXTS})
    fitted = ViewFeatures([f"language-model:path={copied},k=3"], reading_to_dict(SequenceReading(8)))
    before = fitted.transform(X)
    kept = dumps(fitted)
    again = loads(kept, trusted=["medgraft.methods.views.ViewFeatures"])
    pd.testing.assert_frame_equal(again.transform(X), before)
    (copied / "model.safetensors").write_bytes((made(1) / "model.safetensors").read_bytes())
    with pytest.raises(MedgraftError, match="put those back"):
        loads(kept, trusted=["medgraft.methods.views.ViewFeatures"]).transform(X)


@pytest.mark.parametrize(
    ("settings", "text", "words"),
    [
        (",layer=3", "ACGTA", "has no layer 3: use 0 to 2"),
        (",layer=-4", "ACGTA", "has no layer -4"),
        (",k=5", "ACGTA", "does not know nucleotides as k=5 gives them"),
        (",alphabet=protein", "MKVLA", "does not know proteins as k=3"),
        ("", "ACGTA" * 5, "25 tokens, and the model .* reads 24"),
        ("", "ACGX", "'X' at place 4"),
        (",pool=sum", "A", "pool 'sum' does not exist: use one of mean, max, first"),
        (",k=13", "A", "cannot have 13 letters"),
    ],
)
def test_what_cannot_be_read_is_told_in_a_sentence(made, settings, text, words):
    with pytest.raises(MedgraftError, match=words):
        seen(made(), settings)(text)


def test_a_model_of_proteins_reads_letters_and_words_of_them_are_refused(tmp_path):
    pytest.importorskip("transformers", reason="transformers is not installed")
    import torch
    from transformers import EsmConfig, EsmModel, EsmTokenizer

    letters = ["<cls>", "<pad>", "<eos>", "<unk>", *"LAGVSERTIDPKQNFYMHWCXBUZO", "<mask>"]
    (tmp_path / "vocab.txt").write_text("\n".join(letters))
    EsmTokenizer(str(tmp_path / "vocab.txt")).save_pretrained(tmp_path)
    small = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    more = {"pad_token_id": 1, "mask_token_id": 29, "position_embedding_type": "rotary"}
    net = EsmModel(EsmConfig(vocab_size=30, max_position_embeddings=40, **small, **more)).eval()
    net.save_pretrained(tmp_path)
    with torch.no_grad():
        states = net(torch.tensor([[0, *map(letters.index, "MKVU"), 2]])).last_hidden_state[0]
    view = read_view(f"language-model:path={tmp_path},alphabet=protein,pool=max")
    np.testing.assert_allclose(view("mkvU"), states[1:5].amax(dim=0).numpy(), atol=1e-6)
    with pytest.raises(MedgraftError, match="does not know proteins as k=3"):
        read_view(f"language-model:path={tmp_path},alphabet=protein,k=3")("MKVU")


def test_weights_that_are_not_those_of_the_config_are_refused(copied):
    tensors = load_file(copied / "model.safetensors")
    save_file({n: t for n, t in tensors.items() if "layer.1.output" not in n}, copied / "model.safetensors")
    with pytest.raises(MedgraftError, match=r"tensors are missing, such as 'encoder\.layer\.1\.output"):
        seen(copied)("ACGTA")


def test_code_that_a_folder_brings_is_never_run(copied):
    config = json.loads((copied / "config.json").read_text())
    config |= {"model_type": "mine", "auto_map": {"AutoConfig": "mine.Config", "AutoModel": "mine.Net"}}
    (copied / "config.json").write_text(json.dumps(config))
    (copied / "mine.py").write_text("raise SystemExit('run')\n")
    with pytest.raises(MedgraftError, match="transformers cannot read the model"):
        seen(copied)("ACGTA")


def _bare(tmp_path, *names):
    for name in names:
        (tmp_path / name).write_text('{"hidden_size": 4}' if name == "config.json" else "")
    return tmp_path


def test_a_folder_that_lacks_something_is_told(tmp_path):
    with pytest.raises(MedgraftError, match="needs a folder: give path=FOLDER"):
        read_view("language-model")
    with pytest.raises(MedgraftError, match="There is no folder"):
        seen(tmp_path / "none")
    with pytest.raises(MedgraftError, match=r"lacks config\.json"):
        seen(tmp_path)
    with pytest.raises(MedgraftError, match="lacks weights in safetensors"):
        seen(_bare(tmp_path, "config.json", "pytorch_model.bin"))


def test_a_machine_without_transformers_is_told_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    view = seen(_bare(tmp_path, "config.json", "model.safetensors"))
    assert view.names("ACGT") == ["h0", "h1", "h2", "h3"]
    with pytest.raises(MedgraftError, match=r"needs transformers: pip install 'medgraft\[language\]'"):
        view("ACGTA")
