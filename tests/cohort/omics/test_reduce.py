from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer

from medgraft.base import MedgraftError
from medgraft.cohort.omics import Omics, OmicsReducer
from medgraft.cohort.omics.rows import reference

N, P = 30, 400


@pytest.fixture
def table():
    rng = np.random.default_rng(4)
    factors = rng.normal(size=(N, 3)) @ rng.normal(size=(3, P)) * [3.0]
    values = (factors + rng.normal(size=(N, P))).astype(np.float32)
    values[rng.random((N, P)) < 0.05] = np.nan
    return pd.DataFrame(values, [f"s{i}" for i in range(N)], [f"cg{j:08d}" for j in range(P)])


@pytest.fixture
def omics(table, tmp_path):
    table.to_csv(tmp_path / "m.csv")
    return Omics.open(tmp_path / "m.csv")


@pytest.mark.parametrize("impute", ["median", "mean"])
@pytest.mark.parametrize("block", [33, 4096])
def test_components_are_those_of_scikit_learn_on_the_training_rows(omics, table, impute, block):
    train = np.arange(0, N, 2)
    values = table.to_numpy(np.float64)
    filler = SimpleImputer(strategy=impute).fit(values[train])
    oracle = PCA(5, svd_solver="full").fit(filler.transform(values[train]))
    expected = oracle.transform(filler.transform(values))
    reducer = OmicsReducer(5, max_missing=1.0, impute=impute, block=block).fit(omics.only(train))
    found = reducer.transform(omics).to_numpy()
    turn = np.sign((found * expected).sum(axis=0))
    np.testing.assert_allclose(found * turn, expected, atol=1e-4)
    np.testing.assert_allclose(reducer.components_.T * turn, oracle.components_.T, atol=1e-5)
    np.testing.assert_allclose(reducer.explained_variance_, oracle.explained_variance_, rtol=1e-5)
    np.testing.assert_allclose(reducer.explained_variance_ratio_, oracle.explained_variance_ratio_, rtol=1e-5)


@pytest.mark.parametrize("method", ["pca", "variance"])
def test_test_rows_change_nothing_that_is_learnt(table, method, tmp_path):
    train = np.arange(20)
    other = table.copy()
    other.iloc[20:] *= 50
    results = []
    for i, content in enumerate((table, other)):
        content.to_csv(tmp_path / f"{i}.csv")
        results.append(Omics.open(tmp_path / f"{i}.csv").reduce(4, rows=train, method=method).iloc[:20])
    pd.testing.assert_frame_equal(*results)


def test_the_most_variable_features_are_chosen_and_filled_with_training_medians(omics, table):
    train = np.arange(15)
    part = table.iloc[train]
    good = part.isna().mean() <= 0.2
    best = part.var(ddof=1)[good].sort_values(ascending=False).index[:7]
    found = omics.reduce(7, rows=train, method="variance")
    assert found.columns.tolist() == best.tolist() and found.index.tolist() == table.index.tolist()
    np.testing.assert_allclose(found, table[best].fillna(part[best].median()), rtol=1e-6)


def test_references_numbers_and_the_matrix_give_the_same(omics, table):
    order = np.random.default_rng(0).permutation(N)
    refs = pd.Series([reference(omics.path, f"s{i}") for i in order], index=[f"row{i}" for i in order])
    whole = OmicsReducer(3).fit_transform(omics)
    by_refs = OmicsReducer(3).fit_transform(refs)
    by_numbers = OmicsReducer(3).fit_transform(table.iloc[order])
    assert by_refs.index.tolist() == refs.index.tolist()
    np.testing.assert_allclose(by_refs, whole.iloc[order], atol=1e-4)
    np.testing.assert_allclose(by_numbers, whole.iloc[order], atol=1e-4)


def test_a_patient_without_omics_stands_at_the_training_centre(omics):
    refs = [reference(omics.path, f"s{i}") for i in range(N)]
    reducer = OmicsReducer(3, impute="mean").fit([*refs, None])
    found = reducer.transform([refs[0], None, refs[1]])
    np.testing.assert_allclose(found.iloc[1], 0, atol=1e-6)
    np.testing.assert_allclose(found.iloc[[0, 2]], reducer.transform(refs[:2]))


def test_new_samples_of_another_file_are_aligned_by_the_names_of_features(omics, table, tmp_path):
    reducer = OmicsReducer(3).fit(omics)
    shuffled = table.iloc[:4, ::-1].assign(cg99999999=1.0)
    shuffled.to_csv(tmp_path / "new.csv")
    new = Omics.open(tmp_path / "new.csv")
    np.testing.assert_allclose(reducer.transform(new), reducer.transform(omics).iloc[:4], atol=1e-4)
    lacking = table.iloc[:4].copy()
    lacking.iloc[:, :100] = np.nan
    filled = reducer.transform(lacking)
    with pytest.warns(UserWarning, match="100 of 400 features are absent"):
        np.testing.assert_allclose(reducer.transform(lacking.iloc[:, 100:]), filled, atol=1e-4)
    with pytest.raises(MedgraftError, match="measured differently"):
        reducer.transform(table.iloc[:, :50])


def test_samples_of_two_files_are_one_cohort_of_their_common_features(table, tmp_path):
    left, right = table.iloc[:18, :350], table.iloc[18:, ::-1]
    refs = []
    for name, part in (("left", left), ("right", right)):
        part.to_csv(tmp_path / f"{name}.csv")
        refs += [reference(tmp_path / f"{name}.csv", s) for s in part.index]
    order = np.random.default_rng(1).permutation(N)
    with pytest.warns(UserWarning, match="50 of 400|not in all"):
        other = OmicsReducer(3).fit_transform([refs[i] for i in order[::-1]][:1] + [refs[i] for i in order])
    assert other.shape == (N + 1, 3)
    common = OmicsReducer(3).fit_transform(
        [refs[i] for i in range(N)]
    )  # left first: all its features are shared
    np.testing.assert_allclose(common, OmicsReducer(3).fit_transform(table.iloc[:, :350]), atol=1e-4)


def test_scaling_the_sign_or_order_of_samples_does_not_matter(table):
    one = OmicsReducer(4).fit(table)
    two = OmicsReducer(4).fit(table.iloc[::-1])
    np.testing.assert_allclose(one.components_, two.components_, atol=1e-4)
    assert (one.components_[np.arange(4), np.abs(one.components_).argmax(axis=1)] > 0).all()


def test_more_components_than_rows_allow_are_cut_with_a_warning(table):
    with pytest.warns(UserWarning, match="only 4 principal components of 5 training rows"):
        assert OmicsReducer(50).fit(table.iloc[:5]).transform(table).shape == (N, 4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "varianc"}, "Did you mean 'variance'"),
        ({"impute": "mode"}, "median and mean"),
        ({"k": 0}, "1 or more"),
        ({"max_missing": 2.0}, "between 0 and 1"),
    ],
)
def test_a_wrong_option_is_told(options, message, table):
    with pytest.raises(MedgraftError, match=message):
        OmicsReducer(**options).fit(table)


def test_what_cannot_be_reduced_is_told(table):
    with pytest.raises(MedgraftError, match="2 to 20,000"):
        OmicsReducer().fit(table.iloc[:1])
    with pytest.raises(MedgraftError, match="None of the 400 features"):
        OmicsReducer().fit(table * np.nan)
    with pytest.raises(MedgraftError, match="nothing to read"):
        OmicsReducer().fit([None, None])
    with pytest.raises(MedgraftError, match="names no sample"):
        OmicsReducer().fit(["a.csv", "b.csv"])


def test_it_is_a_scikit_learn_transformer(table):
    reducer = OmicsReducer(3, "variance", impute="mean")
    assert clone(reducer).get_params() == reducer.get_params()
    fitted = reducer.fit(table)
    assert fitted.get_feature_names_out().tolist() == fitted.transform(table).columns.tolist()
    assert fitted.n_features_in_ == P
