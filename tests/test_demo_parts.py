"""Parts of the demo study that stand on their own: where it may be made, random variates, edits of an export."""

from collections import Counter
from random import Random
from statistics import mean, variance

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expectations.errors import UsageError
from flows.demo import make_demo
from flows.demo.aid import with_token
from flows.demo.chance import negative_binomial, pick, whole


def content(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_demo_is_made_in_a_new_folder_and_may_be_made_there_again(tmp_path):
    make_demo(tmp_path / "demo")
    written = content(tmp_path / "demo")
    (tmp_path / "demo" / "warehouse.duckdb").write_bytes(b"published")
    make_demo(tmp_path / "demo")
    assert content(tmp_path / "demo") == written | {tmp_path / "demo" / "warehouse.duckdb": b"published"}


@pytest.mark.parametrize("others_file", ["notes.txt", "study.toml"])
def test_a_demo_is_never_made_over_something_else(tmp_path, others_file):
    (tmp_path / others_file).write_text("mine")
    with pytest.raises(UsageError) as error:
        make_demo(tmp_path)
    assert error.value.code == "study.exists"
    assert content(tmp_path) == {tmp_path / others_file: b"mine"}


def test_a_demo_of_another_seed_is_never_mixed_in(tmp_path):
    make_demo(tmp_path, seed=1)
    with pytest.raises(UsageError):
        make_demo(tmp_path, seed=2)


EXPORT = b"Spot counts:\r\n      1    2\r\nA     0    7 \r\nB     1  212 \r\n\r\nOverall\r\nA     0    7 \r\n\r\n"


def test_a_token_is_replaced_in_the_count_grid_only():
    assert with_token(EXPORT, "A2", "9") == EXPORT.replace(b"A     0    7", b"A     0    9", 1)
    assert with_token(EXPORT, "B1", "") == EXPORT.replace(b"B     1  212", b"B  212")


@given(st.integers(), st.integers(-5, 5), st.integers(0, 9))
def test_whole_numbers_stay_between_their_bounds(seed, low, width):
    assert low <= whole(Random(seed), low, low + width) <= low + width


def test_pick_takes_names_as_often_as_their_weights_say():
    rng = Random(1)
    seen = Counter(pick(rng, {"a": 1.0, "b": 3.0, "c": 0.0}) for _ in range(4000))
    assert seen["c"] == 0
    assert abs(seen["b"] / 4000 - 0.75) < 0.03


@pytest.mark.parametrize(("expected", "size"), [(1.2, 8.0), (90.0, 120.0), (540.0, 30.0)])
def test_negative_binomial_counts_have_the_mean_and_variance_of_their_definition(expected, size):
    rng = Random(7)
    counts = [negative_binomial(rng, expected, size) for _ in range(4000)]
    spread = expected + expected**2 / size
    assert abs(mean(counts) - expected) < 4 * (spread / 4000) ** 0.5
    assert abs(variance(counts) / spread - 1) < 0.15
    assert negative_binomial(rng, 0.0, size) == 0
