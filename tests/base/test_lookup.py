from __future__ import annotations

import pytest

import medgraft as mg


def test_a_registry_is_looked_up_through_its_package_even_after_the_package_was_imported():
    import medgraft.methods
    import medgraft.sources

    assert mg.methods is medgraft.methods
    assert mg.methods["coral"].__name__.lower() == "coral"
    assert mg.methods.list("*coral*") == ["coral", "deep-coral"]
    assert "timm:mobilenetv2_100" in mg.sources
    assert mg.sources["timm:mobilenetv2_100"].input_size == 224


def test_an_unknown_method_is_answered_with_the_nearest_one():
    with pytest.raises(mg.MedgraftError, match="Did you mean 'ulsif'"):
        mg.methods["ulsiff"]
