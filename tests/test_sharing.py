"""Results shared through a DVC remote: a second clone pulls them and has nothing to run; metrics need no remote."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.conftest import Project
from tests.test_smoke import ran

pytestmark = pytest.mark.slow

TARGET = "render@geometry"
KEYS = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with two commits, each with its results, that differ in one measure."""
    project = Project(tmp_path_factory.mktemp("published"), ("geometry",))
    project.init()
    project.set("geometry.smoke.grid.T", [5])
    for regular in (0.05, 1e-9):
        project.set("geometry.smoke.measure", {"regular": regular})
        project.succeed("dvc", "repro", TARGET)
        project.commit()
    return project


@pytest.fixture(params=["a folder", "S3"])
def remote(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """DVC's settings of a remote that is empty."""
    if request.param == "a folder":
        yield [f"url={tmp_path / 'remote'}"]
        return
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    boto3.client("s3", endpoint_url=endpoint).create_bucket(Bucket="results")
    yield ["url=s3://results/superposition", f"endpointurl={endpoint}"]
    server.stop()


def test_a_second_clone_pulls_and_has_nothing_to_run(published: Project, remote: list[str], tmp_path: Path) -> None:
    first = published.clone(tmp_path / "first")
    second = published.clone(tmp_path / "second")
    for project in (first, second):
        project.succeed("dvc", "config", "core.remote", "shared")
        for setting in remote:
            name, _, value = setting.partition("=")
            project.succeed("dvc", "config", f"remote.shared.{name}", value)
    assert ran(first.succeed("dvc", "repro", TARGET)), "a clone without data trains"
    first.succeed("dvc", "push", TARGET, "--with-deps")
    second.succeed("dvc", "pull", TARGET, "--with-deps")
    for name in ("data/datasets/smoke/geometry.safetensors", "data/models/smoke/geometry.safetensors"):
        assert (second.folder / name).read_bytes() == (published.folder / name).read_bytes()
    output = second.succeed("dvc", "repro", TARGET)
    assert ran(output) == [] and "up to date" in output and not (second.folder / ".cells").exists()


def test_metrics_of_two_commits_compare_without_a_remote(published: Project, tmp_path: Path) -> None:
    copy = published.clone(tmp_path / "copy")
    shown = copy.succeed("dvc", "metrics", "diff", "HEAD~1", "HEAD", "--targets", "data/metrics/smoke/geometry.json")
    assert "polygons_" in shown and "Change" in shown
