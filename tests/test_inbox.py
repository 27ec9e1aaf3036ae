"""The inbox: new files are seen by their bytes, a file that still grows waits, and no name or folder stops a look."""

from __future__ import annotations

import os
import threading
import time
from hashlib import sha256
from pathlib import Path

import pytest

from expectations.errors import UsageError
from tests.drawing import table
from warehouse import archive, inbox
from warehouse.inbox import Look, Sighting, is_temporary, look, new_sightings, settled


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "inbox"
    place.mkdir()
    return place


def drop(folder: Path, path: str, content: str = "x") -> Path:
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(content)
    return target


def paths(seen: Look) -> list[str]:
    return [one.path for one in seen.sightings]


def test_every_file_in_any_subfolder_is_seen_by_its_bytes_and_path(folder):
    drop(folder, "b/c/P1.txt", "same")
    drop(folder, "a.csv", "same")
    seen = look(folder)
    assert paths(seen) == ["a.csv", "b/c/P1.txt"]
    assert len({one.sha256 for one in seen.sightings}) == 1
    assert [one.size_bytes for one in seen.sightings] == [4, 4]
    assert seen.unreadable == ()


def test_a_share_that_is_not_mounted_is_not_an_empty_inbox(tmp_path):
    with pytest.raises(UsageError, match="mount the share") as refused:
        look(tmp_path / "inbox")
    assert refused.value.code == "study.no_inbox"


def test_a_linked_folder_is_looked_into_and_a_link_back_is_no_endless_loop(folder, tmp_path):
    share = tmp_path / "share"
    drop(share, "P1.txt")
    (folder / "elispot").symlink_to(share)
    (share / "back").symlink_to(folder)
    assert paths(look(folder)) == ["elispot/P1.txt"]


def test_a_link_to_nothing_is_named_but_for_the_lock_of_an_editor(folder):
    (folder / "gone.txt").symlink_to(folder / "nothing")
    (folder / ".#P1.txt").symlink_to("somebody@somewhere")
    seen = look(folder)
    assert (seen.sightings, seen.unreadable) == ((), ("gone.txt",))


def test_a_name_in_another_encoding_is_shown_escaped_and_read(folder):
    name = os.fsdecode("Sørensen.csv".encode("cp1252"))
    (folder / name).write_text("x")
    (one,) = look(folder).sightings
    assert one.path == r"S\xf8rensen.csv"
    assert one.path.encode()
    assert settled(folder, [one], 0.0)[0] == {one.path: b"x"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open everything; run as another user")
def test_what_may_not_be_opened_is_named(folder):
    drop(folder, "secret/P1.txt")
    drop(folder, "P2.txt").chmod(0)
    (folder / "secret").chmod(0)
    seen = look(folder)
    (folder / "secret").chmod(0o700)
    assert seen.unreadable == ("P2.txt", "secret")


def test_a_file_that_cannot_be_read_is_named_and_the_rest_is_seen(folder, monkeypatch):
    for name in ("locked.xlsx", "~$locked.xlsx", "P1.txt"):
        drop(folder, name)
    opened = Path.open

    def refused(path: Path, *how: str) -> object:
        if "locked" in path.name:
            raise PermissionError(path)
        return opened(path, *how)

    monkeypatch.setattr(Path, "open", refused)
    seen = look(folder)
    assert (paths(seen), seen.unreadable) == (["P1.txt"], ("locked.xlsx",))


TEMPORARY = """
    path                            | is_temporary
    clinic/~$specimens.xlsx         | true
    .~lock.specimens.ods#           | true
    .DS_Store                       | true
    ._P1.txt                        | true
    .sync/P1.txt                    | true
    P1.txt.part                     | true
    P1.txt.crdownload               | true
    export.TMP                      | true
    P1.txt~                         | true
    Thumbs.db                       | true
    P1.txt                          | false
    clinic/specimens.xlsx           | false
    temperatures.csv                | false
    2012.03/P1.txt                  | false
    specimens (conflicted copy).csv | false
"""


@pytest.mark.parametrize(("path", "expected"), table(TEMPORARY).rows())
def test_temporary_files_are_known_by_name_alone(path, expected):
    assert is_temporary(path) == expected


NEW = """
    case                               | known | under     | reason                 | seen | at        | is_new
    never seen                         |       |           |                        | a    | 1.txt     | true
    known                              | a     | 1.txt     | accepted.whole         | a    | 1.txt     | false
    other bytes at a known place       | a     | 1.txt     | accepted.whole         | b    | 1.txt     | true
    moved                              | a     | 1.txt     | accepted.whole         | a    | sub/1.txt | false
    a held file replaced in its place  | a     | 1.txt     | aid.count_grid         | b    | 1.txt     | true
    a dismissed file moved             | a     | 1.txt     | ignored.dismissed      | a    | old/1.txt | false
    a temporary file got its real name | a     | 1.txt.tmp | ignored.temporary_file | a    | 1.txt     | true
    a temporary file seen again        | a     | 1.txt.tmp | ignored.temporary_file | a    | 1.txt.tmp | false
    a temporary file that changed      | a     | 1.txt.tmp | ignored.temporary_file | b    | 1.txt.tmp | false
    another temporary file             | a     | 1.txt.tmp | ignored.temporary_file | b    | 2.txt.tmp | true
"""


@pytest.mark.parametrize(("known", "under", "reason", "sha", "at", "is_new"), table(NEW).drop("case").rows())
def test_a_file_is_new_by_its_bytes_and_not_by_its_place(known, under, reason, sha, at, is_new):
    rows = [{"file_sha256": known, "path": under, "reason": reason}] if known else []
    assert [one.path for one in new_sightings(seen_at((sha, at)), rows)] == ([at] if is_new else [])


def seen_at(*files: tuple[str, str]) -> Look:
    return Look(tuple(Sighting(path, sha, 1, (1, 1), Path(path)) for sha, path in files), (), 0.0)


KNOWN = [{"file_sha256": "a", "path": "1.txt", "reason": "accepted.whole"}]


def test_a_copy_beside_the_known_file_is_new_and_one_moved_twice_is_not():
    assert [one.path for one in new_sightings(seen_at(("a", "1.txt"), ("a", "copy.txt")), KNOWN)] == ["copy.txt"]
    assert new_sightings(seen_at(("a", "x/1.txt"), ("a", "y/1.txt")), KNOWN) == []


def test_a_copy_of_a_copy_is_new_while_any_known_one_lies_there():
    rows = [*KNOWN, {"file_sha256": "a", "path": "copy.txt", "reason": "duplicate.same_bytes"}]
    seen = seen_at(("a", "copy.txt"), ("a", "third.txt"))
    assert [one.path for one in new_sightings(seen, rows)] == ["third.txt"]


BACK = """
    case                                    | first | second | other place | is_new
    the first bytes lie there again         | 1     | 2      | 0           | true
    they came back and are known to have    | 3     | 2      | 0           | false
    the second bytes arrived elsewhere only | 1     | 0      | 2           | false
"""


@pytest.mark.parametrize(("first", "second", "elsewhere", "is_new"), table(BACK).drop("case").rows())
def test_bytes_that_lie_again_where_others_came_after_them_are_new(first, second, elsewhere, is_new):
    rows = [
        {"file_sha256": sha, "path": path, "reason": "accepted.whole", "arrival": arrival}
        for sha, path, arrival in (("a", "s.csv", first), ("b", "s.csv", second), ("b", "t.csv", elsewhere))
        if arrival
    ]
    assert [one.path for one in new_sightings(seen_at(("a", "s.csv")), rows)] == (["s.csv"] if is_new else [])


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(inbox, "SETTLE_SECONDS", 0.05)


def test_a_file_that_stays_as_it_is_is_taken_with_its_bytes(folder, quick):
    drop(folder, "P1.txt", "all of it")
    seen = look(folder)
    assert settled(folder, seen.sightings, seen.at) == ({"P1.txt": b"all of it"}, [])


def test_a_file_still_being_written_waits(folder, quick):
    drop(folder, "done.txt")
    growing = drop(folder, "growing.txt", "half")
    seen = look(folder)
    growing.write_text("half and more")
    quiet, moving = settled(folder, seen.sightings, seen.at)
    assert (list(quiet), moving) == (["done.txt"], ["growing.txt"])


def test_a_file_rewritten_with_the_same_size_waits(folder, quick):
    path = drop(folder, "P1.txt", "0123")
    seen = look(folder)
    path.write_text("9876")
    os.utime(path, ns=(0, seen.sightings[0].sight[1]))
    assert settled(folder, seen.sightings, seen.at)[1] == ["P1.txt"]


def test_a_file_only_touched_waits_for_it_may_be_written_next(folder, quick):
    path = drop(folder, "P1.txt")
    seen = look(folder)
    os.utime(path, ns=(0, 1))
    assert settled(folder, seen.sightings, seen.at)[1] == ["P1.txt"]


def test_a_file_gone_between_two_looks_waits(folder, quick):
    path = drop(folder, "P1.txt")
    seen = look(folder)
    path.unlink()
    assert settled(folder, seen.sightings, seen.at) == ({}, ["P1.txt"])


def test_the_second_look_comes_after_the_settling_time_and_at_once_where_there_is_nothing_to_see(folder, monkeypatch):
    monkeypatch.setattr(inbox, "SETTLE_SECONDS", 0.3)
    begun = time.monotonic()
    assert settled(folder, [], begun) == ({}, [])
    assert time.monotonic() - begun < 0.2
    path = drop(folder, "P1.txt", "half")
    seen = look(folder)
    writer = threading.Timer(0.1, lambda: path.write_text("whole"))
    writer.start()
    assert settled(folder, seen.sightings, seen.at)[1] == ["P1.txt"]
    writer.join()


def test_files_are_held_in_memory_a_portion_at_a_time_in_their_order_and_a_large_one_alone(monkeypatch):
    monkeypatch.setattr(inbox, "_PORTION_BYTES", 10)
    sizes = [4, 6, 1, 30, 10, 1]
    seen = [Sighting(f"{n}.txt", str(n), size, (size, 1), Path(f"{n}.txt")) for n, size in enumerate(sizes)]
    assert [[one.size_bytes for one in some] for some in inbox.portions(seen)] == [[4, 6], [1], [30], [10], [1]]
    assert list(inbox.portions([])) == []


def test_many_files_are_archived_at_once_each_under_its_own_sha256(tmp_path):
    contents = [f"plate {n}".encode() for n in range(100)]
    archive.keep_all(tmp_path, contents)
    kept = [path for path in (tmp_path / "archive").rglob("*") if path.is_file()]
    assert {path.name: path.read_bytes() for path in kept} == {sha256(data).hexdigest(): data for data in contents}


def test_a_file_that_cannot_be_archived_stops_the_run(tmp_path):
    (tmp_path / "archive").write_text("a file where a folder has to be")
    with pytest.raises(OSError, match="archive"):
        archive.keep_all(tmp_path, [b"a", b"b"])
