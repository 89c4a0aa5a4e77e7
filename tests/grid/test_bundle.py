"""stages/core/bundle.py: what is read is what was written, and nothing else is ever taken for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from stages.core import bundle
from stages.core.bundle import BundleError, Record

RECORDS = [
    Record({"T": 3, "S": 0.99, "name": "ä"}, {"W": np.arange(6, dtype=np.float32).reshape(2, 3), "k": np.arange(4)}),
    Record({"status": "failed"}, {}),
    Record({"T": 5}, {"W": np.zeros((0, 2), dtype=np.float32)}),
]


def test_records_come_back_with_their_order_types_and_shapes(tmp_path: Path) -> None:
    bundle.write(tmp_path / "deep" / "a.safetensors", RECORDS)
    back = bundle.read(tmp_path / "deep" / "a.safetensors")
    assert [r.about for r in back] == [r.about for r in RECORDS]
    for ours, theirs in zip(RECORDS, back, strict=True):
        assert ours.arrays.keys() == theirs.arrays.keys()
        for name, array in ours.arrays.items():
            assert array.dtype == theirs.arrays[name].dtype
            np.testing.assert_array_equal(array, theirs.arrays[name])


def test_same_records_are_the_same_bytes(tmp_path: Path) -> None:
    shuffled = [Record(dict(reversed(r.about.items())), dict(reversed(r.arrays.items()))) for r in RECORDS]
    bundle.write(tmp_path / "a", RECORDS)
    bundle.write(tmp_path / "b", shuffled)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("keep", [0, 1, 8, 100, -1])
def test_a_truncated_bundle_is_refused(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "a"
    bundle.write(path, RECORDS)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(BundleError, match=str(path)):
        bundle.read(path)


def test_any_flipped_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a"
    bundle.write(path, RECORDS)
    content = path.read_bytes()
    for position in range(len(content)):
        path.write_bytes(content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :])
        try:
            changed = bundle.read(path)
        except BundleError:
            continue
        # a flip in the header's padding or spelling may leave every record as it was
        assert [r.digest() for r in changed] == [r.digest() for r in RECORDS], position


def test_a_missing_or_foreign_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a bundle")
    for path in (tmp_path / "none", tmp_path / "text", tmp_path):
        with pytest.raises(BundleError):
            bundle.read(path)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    bundle.write(path, RECORDS)
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        bundle.write(path, RECORDS[:1])
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["a"]
