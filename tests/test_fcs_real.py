"""Every real FCS file: the right events, checked against FlowIO or decoded again bit by bit; or the right refusal."""

from __future__ import annotations

import warnings
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest

from expectations.errors import SourceFileError
from tests.drawing import SHARED, needs_shared
from tests.drawn_exports import SETTINGS, source
from transforms.fcs.data_sets import file_on_disk, open_fcs
from transforms.fcs.spillover import compensated
from transforms.readers import registry

REAL = SHARED / "real/cytometry"
pytestmark = needs_shared


class Expected(NamedTuple):
    """What $TOT and $PAR of the file say."""

    n_events: int
    n_channels: int
    decoder: str = "memory map"


FILES = {
    "fcs/931115-B01- Sample 01.fcs": Expected(10000, 5, "perdure"),
    "fcs/931115-B02- Sample 01.fcs": Expected(10000, 5, "perdure"),
    "fcs/Data001.fcs": Expected(20949, 6),
    "fcs/Data003.fcs": Expected(25000, 8, "perdure"),
    "fcs/EY_2013-07-19_PBS_FCS_3.1_Well_A1.001.fcs": Expected(10000, 19),
    "fcs/G11.fcs": Expected(5785, 12),
    "fcs/cyflow_cube_8.fcs": Expected(725, 10),
    "fcs/data_start_offset_discrepancy_example.fcs": Expected(2, 26),
    "fcs/data_stop_offset_discrepancy_example.fcs": Expected(2, 26),
    "fcs/index_sorted_example.fcs": Expected(384, 13),
    "fcs/variable_int_example.fcs": Expected(2, 26),
    "workspace/data_set_simple_line_100.fcs": Expected(100, 2),
    "workspace/test_data_diamond_01.fcs": Expected(200000, 2),
    **{f"ics_study/{n}.fcs": Expected(1000, 12) for n in (91745, 91747, 91749, 91751, 92239, 92241, 92243, 92245)},
}
REFUSED = {"fcs/corrupted.fcs": "format.unrecognised", "fcs/sample_header.fcs": "fcs.data"}
PACKED = ("fcs/931115-B01- Sample 01.fcs", "fcs/931115-B02- Sample 01.fcs")
OF_FLOWIO = [name for name in FILES if name not in (*PACKED, "fcs/Data003.fcs")]


def test_no_real_file_is_left_out():
    assert {str(path.relative_to(REAL)) for path in REAL.rglob("*.fcs")} == FILES.keys() | REFUSED.keys()


@pytest.mark.parametrize("name", FILES)
def test_events_and_channels_are_those_the_file_declares(name):
    found = open_fcs(file_on_disk(REAL / name))
    assert len(found) == 1
    assert Expected(found[0].n_events, len(found[0].channels), found[0].decoder) == FILES[name]
    assert found[0].events().shape == FILES[name][:2]


@pytest.mark.parametrize(("name", "code"), REFUSED.items())
def test_what_cannot_be_read_is_refused_by_its_code(name, code):
    with pytest.raises(SourceFileError) as refused:
        registry.read(source((REAL / name).read_bytes(), name), SETTINGS)
    assert refused.value.code == code


@pytest.mark.parametrize("name", OF_FLOWIO)
def test_flowio_reads_the_same_events_on_either_scale(name):
    import flowio

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = flowio.FlowData(str(REAL / name), ignore_offset_error=True, ignore_offset_discrepancy=True)
    if theirs.text.get("timestep", "").startswith("x"):
        theirs.text["timestep"] = "1"  # made unreadable by whoever gave the file away; FlowIO fails on it
    ours = open_fcs(file_on_disk(REAL / name))[0]
    stored, linear = (theirs.as_array(preprocess=scaled) for scaled in (False, True))
    np.testing.assert_array_equal(ours.events().to_numpy(), stored)
    np.testing.assert_array_equal(ours.events(linear=True).to_numpy(), linear)


def _roughness(values: np.ndarray) -> float:
    counts = np.bincount(values, minlength=512)
    return sum(abs(int(a) - int(b)) for a, b in pairwise(counts)) / len(values)


@pytest.mark.parametrize("name", PACKED)
def test_nine_bit_values_are_those_of_a_slow_decoding_bit_by_bit(name):
    content = (REAL / name).read_bytes()
    begin, end = int(content[26:34]), int(content[34:42])
    data = content[begin : end + 1]
    assert len(data) * 8 == 10000 * 5 * 9
    lowest_first = [byte >> bit & 1 for byte in data for bit in range(8)]
    highest_first = [byte >> bit & 1 for byte in data for bit in reversed(range(8))]
    slow = [sum(bit << at for at, bit in enumerate(lowest_first[n : n + 9])) for n in range(0, len(lowest_first), 9)]
    other = [int("".join(map(str, highest_first[n : n + 9])), 2) for n in range(0, len(highest_first), 9)]
    ours = open_fcs(file_on_disk(REAL / name))[0].events()
    np.testing.assert_array_equal(ours.to_numpy(), np.reshape(slow, (10000, 5)))
    # Of the two orders of bits this is the one whose histograms are smooth, as those of cells are.
    for column in range(5):
        assert _roughness(np.array(slow[column::5])) < 0.8 * _roughness(np.array(other[column::5]))


def test_twenty_four_bit_values_are_those_of_a_slow_decoding_and_within_their_ranges():
    content = (REAL / "fcs/Data003.fcs").read_bytes()
    data = content[int(content[26:34]) : int(content[34:42]) + 1]
    slow = np.reshape([int.from_bytes(data[n : n + 3], "big") for n in range(0, len(data), 3)], (25000, 8))
    found = open_fcs(file_on_disk(REAL / "fcs/Data003.fcs"))[0]
    np.testing.assert_array_equal(found.events().to_numpy(), slow)
    ranges = [262144, *[1024] * 7]
    assert [one.value_range for one in found.channels] == ranges
    assert (slow.max(axis=0) < ranges).all()
    assert (np.diff(slow[:, 0]) >= 0).all()  # the clock


@pytest.mark.parametrize("name", ["fcs/index_sorted_example.fcs", "fcs/G11.fcs", "ics_study/92239.fcs"])
def test_flowkit_frees_events_from_spillover_alike(name):
    import flowkit

    found = open_fcs(file_on_disk(REAL / name))[0]
    assert found.spillover is not None
    sample = flowkit.Sample(str(REAL / name), ignore_offset_error=True)
    sample.apply_compensation(sample.metadata.get("spill") or sample.metadata["spillover"])
    events = found.events(linear=True)
    freed = compensated({name: events[name].to_numpy() for name in found.spillover.channels}, found.spillover.matrix)
    ours = np.stack([freed.get(name, events[name].to_numpy()) for name in events.columns], axis=1)
    np.testing.assert_allclose(ours, sample.get_events("comp"), rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize("name", FILES)
def test_the_registry_reads_every_one_of_them_as_one_sample(name):
    tables = registry.read(source((REAL / name).read_bytes(), name), SETTINGS).tables
    assert tables["cytometry_samples"]["n_events"].to_list() == [FILES[name].n_events]
    assert tables["cytometry_channels"].height == FILES[name].n_channels
