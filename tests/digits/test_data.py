"""The rooms `data` and `training`: training sets of one pool share its images, and keys are what they were."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest

from stages.core.bundle import Record
from stages.families.digits import data, training
from stages.families.digits.data.idx import Mnist
from stages.families.digits.data.sources import DigitsError
from stages.families.digits.data.spec import Data, Training
from tests.conftest import make_digits

WHOLE = Data(pool=60, wrong=0.1, subset=1.0, subset_seed=0, data_seed=3)
HALF = WHOLE.model_copy(update={"subset": 0.5})
SPEC = Training(hidden=8, epochs=3, batch=16, lr=1e-2, weight_decay=0.0, init_seed=0, watched=1, keep="weights")


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Mnist:
    folder = tmp_path_factory.mktemp("digits") / "raw"
    make_digits(folder, 200, 40)
    return data.read(folder)


def restored(spec: Data, raw: Mnist) -> data.Dataset:
    return data.restore(data.sample(spec, raw), raw)


def test_a_training_set_has_the_images_of_its_pool(raw: Mnist) -> None:
    found = restored(HALF, raw)
    np.testing.assert_array_equal(found.pool, raw.train.image[found.selection.image])
    true = raw.train.label[found.selection.image]
    np.testing.assert_array_equal(found.selection.label != true, found.selection.wrong)
    assert found.selection.wrong.sum() == 6 and found.selection.chosen.sum() == 30


def test_a_training_set_of_other_files_is_refused(raw: Mnist, tmp_path: Path) -> None:
    """Only `generate` depends on the files: what it writes says which they were."""
    make_digits(tmp_path / "raw", 200, 41)
    with pytest.raises(DigitsError, match="not of the images in data/raw/digits; generate them again"):
        data.restore(data.sample(HALF, raw), data.read(tmp_path / "raw"))


def test_training_sets_of_one_pool_share_its_images_and_others_do_not(raw: Mnist) -> None:
    subsets = [restored(HALF.model_copy(update={"subset_seed": seed}), raw) for seed in range(4)]
    assert all(found.pool is subsets[0].pool for found in subsets)
    assert not np.array_equal(subsets[0].selection.chosen, subsets[1].selection.chosen)
    other = restored(HALF.model_copy(update={"data_seed": 4}), raw)
    smaller = restored(HALF.model_copy(update={"pool": 40}), raw)
    assert other.pool is not subsets[0].pool and len(smaller.pool) == 40
    np.testing.assert_array_equal(smaller.pool, subsets[0].pool[:40])  # smaller pools are parts of larger ones


def test_a_job_takes_along_its_pool_and_no_more(raw: Mnist) -> None:
    found = restored(HALF, raw)
    sent = pickle.dumps(found)
    assert found.pool.nbytes < len(sent) < found.pool.nbytes + 5_000 < raw.train.image.nbytes
    assert training.digest(HALF, pickle.loads(sent)) == training.digest(HALF, found)


def test_the_digest_is_of_the_spec_the_pixels_and_the_selection(raw: Mnist) -> None:
    found = restored(HALF, raw)
    pixels = hashlib.sha256(raw.train.image.tobytes()).hexdigest()
    expected = Record(HALF.model_dump() | {"pixels": pixels}, found.selection._asdict()).digest()
    assert training.digest(HALF, found) == expected != training.digest(WHOLE, restored(WHOLE, raw))
    assert training.digest(HALF, found._replace(pixels="others")) != expected


def test_what_decides_a_key_are_the_spec_the_engine_and_the_version() -> None:
    assert training.decides(SPEC) == SPEC.model_dump() | {
        "engine": training.engine(SPEC),
        "version": training.VERSION,
        "model": "classifier",
    }


def test_what_is_kept_is_of_the_same_models(raw: Mnist) -> None:
    found = restored(HALF, raw)
    weights = training.train(HALF, found, SPEC)
    outputs = training.train(HALF, found, SPEC.model_copy(update={"keep": "outputs"}))
    assert weights.about == {"status": "trained", "engine_used": training.engine(SPEC)}
    assert weights.made_by == outputs.made_by == training.made_by(SPEC)
    assert weights.arrays["epoch"].tolist() == outputs.arrays["epoch"].tolist() == [1, 3]
    assert weights.arrays["W"].shape == (2, 8, 784) and outputs.arrays["log_probability"].shape == (2, 60)
    assert (outputs.arrays["log_probability"] <= 0).all() and outputs.arrays["prediction"].max() < 10


def test_fetch_leaves_no_half_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data.sources, "fetch", lambda kept: {"train-images-idx3-ubyte": b"torn"})
    with pytest.raises((KeyError, data.idx.IdxError)):
        data.fetch(tmp_path)
    assert not list(tmp_path.iterdir())
