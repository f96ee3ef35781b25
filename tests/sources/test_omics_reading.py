from __future__ import annotations

import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.sources.arrays import agreed, reading_from_dict, reading_to_dict
from medgraft.sources.omics_reading import OmicsReading


def matrix(path, names, rows):
    """Samples as columns, as arrays come."""
    lines = ["probe," + ",".join(rows)]
    lines += [",".join([name, *(str(values[j]) for values in rows.values())]) for j, name in enumerate(names)]
    path.write_text("\n".join(lines) + "\n")
    return [f"{path}::sample={sample}" for sample in rows]


@pytest.fixture
def files(tmp_path):
    one = matrix(
        tmp_path / "a.csv", ["cg1", "cg2", "cg3"], {"GSM1": [0.1, 0.2, 0.3], "GSM2": [0.4, "NA", 0.6]}
    )
    two = matrix(
        tmp_path / "b.csv", ["cg3", "cg9", "cg1"], {"GSM7": [0.7, 0.8, 0.9], "GSM8": [1.0, 0.0, 0.5]}
    )
    return one, two


def test_files_of_other_orders_are_read_by_name_and_what_not_all_have_is_said(files):
    one, two = files
    reading, said = agreed("omics", [*one, *two])
    assert reading.features == ("cg1", "cg3")
    assert said == ["1 of 3 features are not in all matrices and are not used."]
    np.testing.assert_allclose(reading.row(one[0]), [0.1, 0.3], rtol=1e-6)
    np.testing.assert_allclose(reading.row(two[0]), [0.9, 0.7], rtol=1e-6)


def test_a_gap_is_a_gap_in_a_table_and_zero_for_a_network(files):
    reading, _ = agreed("omics", files[0])
    assert np.isnan(reading.row(files[0][1])[1])
    np.testing.assert_allclose(reading.array(files[0][1]), [[0.4, 0.0, 0.6]], rtol=1e-6)


def test_a_models_probes_are_scaled_its_way_and_its_centre_stands_for_what_is_missing(files, tmp_path):
    np.savez(
        tmp_path / "p.npz", cpgs=["cg3", "cg2", "cg0", "cg1"], center=[0.1, 0.2, 0.3, 0.4], scale=[1, 2, 3, 4]
    )
    reading, said = agreed("omics", files[0], f"probes={tmp_path / 'p.npz'}")
    assert said == ["a.csv: 3 of 4 probes found (75.0%); the model's centre stands for the others."]
    np.testing.assert_allclose(reading.array(files[0][0]), [[0.2, 0.0, 0.0, -0.075]], atol=1e-6)
    np.testing.assert_allclose(reading.array(files[0][1]), [[0.5, 0.0, 0.0, 0.0]], atol=1e-6)
    again = reading_from_dict(reading_to_dict(reading))
    assert again == reading and np.array_equal(again.array(files[0][0]), reading.array(files[0][0]))


def test_too_few_of_a_models_probes_are_refused_unless_allowed(files, tmp_path):
    np.savez(tmp_path / "p.npz", names=["cg3", "x", "y"], centre=[0.0] * 3, scale=[1.0] * 3)
    with pytest.raises(MedgraftError, match=r"'a\.csv' has 33\.3% of the 3 features"):
        agreed("omics", files[0], f"probes={tmp_path / 'p.npz'}")
    reading, _ = agreed("omics", files[0], f"probes={tmp_path / 'p.npz'},enough=0.3")
    assert reading.array(files[0][0])[0, 0] == np.float32(0.3)


def test_new_data_that_were_measured_by_other_means_are_refused(files, tmp_path):
    reading = OmicsReading(("cg1", "cg2"))
    other = matrix(tmp_path / "c.csv", ["cg7", "cg8"], {"GSM9": [0.1, 0.2], "GSM10": [0.1, 0.2]})
    with pytest.raises(MedgraftError, match="measured by other means"):
        reading.row(other[0])
    with pytest.raises(MedgraftError, match="no feature in common"):
        agreed("omics", [*files[0], *other])


def test_a_list_of_probes_that_is_none_is_refused(files, tmp_path):
    (tmp_path / "p.npz").write_bytes(b"no")
    with pytest.raises(MedgraftError, match="cannot be read from"):
        agreed("omics", files[0], f"probes={tmp_path / 'p.npz'}")
    np.savez(tmp_path / "q.npz", names=["cg3"], centre=[0.0], scale=[0.0])
    with pytest.raises(MedgraftError, match="a scale above 0"):
        agreed("omics", files[0], f"probes={tmp_path / 'q.npz'}")


def test_m_values_are_refused_where_a_model_reads_betas(tmp_path):
    betas = {"s1": [0.1, 0.4, 0.5], "s2": [0.9, 1.02, 0.5]}
    m_values = {name: [np.log2(b / (1.05 - b)) for b in row] for name, row in betas.items()}
    np.savez(tmp_path / "p.npz", names=["cg1", "cg2"], centre=[0.5, 0.4], scale=[0.2, 0.2])
    names = ["cg1", "cg2", "cg3"]
    cells = matrix(tmp_path / "betas.csv", names, betas)
    others = matrix(tmp_path / "m.csv", names, m_values)
    reading, _ = agreed("omics", cells, f"probes={tmp_path / 'p.npz'}")
    assert reading.row(cells[1]) == pytest.approx([2.0, 3.1], abs=1e-5)
    for cell in others:  # below 0, and above 1 alone
        with pytest.raises(MedgraftError, match=r"beta values, from 0 to 1.*2\^M"):
            reading.row(cell)


def test_standardised_values_are_no_betas_and_may_be_any(tmp_path):
    np.savez(tmp_path / "p.npz", names=["g1", "g2"], centre=[0.0, 0.0], scale=[1.0, 1.0])
    cells = matrix(tmp_path / "z.csv", ["g1", "g2", "g3"], {"s1": [-2.5, 3.0, 0.1], "s2": [1.0, 0.0, 0.2]})
    reading, _ = agreed("omics", cells, f"probes={tmp_path / 'p.npz'}")
    assert reading.row(cells[0]) == pytest.approx([-2.5, 3.0])
