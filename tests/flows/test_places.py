"""Datasets in an object store: whole or not there, never overwritten, read back byte by byte."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.support.buckets import bucket, why_no_bucket
from tests.support.hospitals import AGREEMENT, digests, hospital_with

from bailee.cli.main import main
from bailee.core.errors import Conflict, Invalid, Unavailable, UserError
from bailee.engines.local import LocalEngine
from bailee.flows.hospital import Hospital
from bailee.flows.release.run import release
from bailee.flows.synthesize import write_hospital
from bailee.flows.verify import verify, verify_place
from bailee.stores.lake.dataset import MANIFEST, DatasetManifest, read_dataset
from bailee.stores.objects.datasets import altered_objects, publish_to, published_below, read_published
from bailee.stores.objects.places import Place, open_place


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hospital with one release, published in its own folder only."""
    folder = tmp_path_factory.mktemp("places")
    write_hospital(folder / "export", patients=3, seed=5)
    hospital = hospital_with(folder / "hospital", folder / "export")
    release(hospital, AGREEMENT, LocalEngine(1))
    hospital.close()
    return folder / "hospital"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    reason = why_no_bucket()
    if reason:
        pytest.skip(reason)
    with bucket() as url:
        yield url


@pytest.fixture(params=["folder", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A place of this test's own."""
    if request.param == "folder":
        return f"file://{tmp_path / 'place'}"
    name = "".join(one if one.isalnum() else "-" for one in request.node.name)
    return f"{request.getfixturevalue('server')}/{name}"


@pytest.fixture
def dataset(template: Path) -> tuple[Path, DatasetManifest]:
    folder = template / "releases" / AGREEMENT / "v0001"
    return folder, read_dataset(folder)


class Broken(Place):
    """A place that is lost after some writes."""

    left = 0

    def put(self, key: str, path: Path) -> None:
        if type(self).left == 0:
            raise Unavailable("lost")
        type(self).left -= 1
        super().put(key, path)


def test_what_is_published_is_read_back_byte_by_byte(url: str, dataset: tuple[Path, DatasetManifest]) -> None:
    folder, manifest = dataset
    place = open_place(url, "a", "v0001")
    assert publish_to(place, folder, manifest)
    read, content = read_published(place)
    assert read == manifest
    assert content == (folder / MANIFEST).read_bytes()
    assert list(altered_objects(place, manifest)) == []
    assert sorted(place.keys()) == sorted(digests(folder))
    assert published_below(open_place(url)) == ["a/v0001"]
    assert not publish_to(place, folder, manifest)


@pytest.mark.parametrize("writes", [0, 1, 7])
def test_killed_while_it_is_written_nothing_is_there_and_it_can_go_on(
    url: str, dataset: tuple[Path, DatasetManifest], writes: int
) -> None:
    folder, manifest = dataset
    place = open_place(url, f"killed-{writes}")
    Broken.left = writes
    with pytest.raises(Unavailable):
        publish_to(Broken(place.url, place.store), folder, manifest)
    with pytest.raises(Invalid, match="no readable manifest"):
        read_published(place)
    assert len(list(place.keys())) == writes
    assert publish_to(place, folder, manifest)
    assert list(altered_objects(place, manifest)) == []


def test_a_tables_log_comes_after_its_data_and_the_manifest_last(
    url: str, dataset: tuple[Path, DatasetManifest]
) -> None:
    folder, manifest = dataset
    written: list[str] = []

    class Watched(Place):
        def put(self, key: str, path: Path) -> None:
            written.append(key)
            super().put(key, path)

        def put_new(self, key: str, content: bytes) -> None:
            written.append(key)
            super().put_new(key, content)

    place = open_place(url, "order")
    publish_to(Watched(place.url, place.store), folder, manifest)
    logs = [at for at, key in enumerate(written) if "/_delta_log/" in key]
    data = [at for at, key in enumerate(written) if key.endswith((".parquet", ".ndjson"))]
    assert max(data) < min(logs)
    assert written[-1] == MANIFEST


def test_a_published_dataset_is_never_overwritten(
    url: str, dataset: tuple[Path, DatasetManifest], tmp_path: Path
) -> None:
    folder, manifest = dataset
    place = open_place(url, "once")
    publish_to(place, folder, manifest)
    shutil.copytree(folder, tmp_path / "other")
    document = json.loads((folder / MANIFEST).read_bytes()) | {"partner": "Somebody Else"}
    (tmp_path / "other" / MANIFEST).write_text(json.dumps(document))
    with pytest.raises(Conflict, match="another dataset"):
        publish_to(place, tmp_path / "other", read_dataset(tmp_path / "other"))
    with pytest.raises(Conflict):
        place.put_new(MANIFEST, b"{}")
    assert read_published(place)[0] == manifest


def test_two_that_finish_at_once_publish_one(url: str, dataset: tuple[Path, DatasetManifest]) -> None:
    folder, manifest = dataset
    place = open_place(url, "race")

    class Late(Place):
        def put_new(self, key: str, content: bytes) -> None:
            place.put_new(key, content)  # the other one is first
            super().put_new(key, content)

    assert not publish_to(Late(place.url, place.store), folder, manifest)
    assert read_published(place)[0] == manifest


def test_what_is_altered_missing_or_more_is_named(
    url: str, dataset: tuple[Path, DatasetManifest], tmp_path: Path
) -> None:
    folder, manifest = dataset
    place = open_place(url, "altered")
    publish_to(place, folder, manifest)
    first, absent = manifest.files[0].path, msgspec.structs.replace(manifest.files[1], path="ndjson/absent")
    (tmp_path / "more").write_bytes(b"more")
    place.put(first, tmp_path / "more")
    place.put("extra", tmp_path / "more")
    named = msgspec.structs.replace(manifest, files=(*manifest.files, absent))
    assert set(altered_objects(place, named)) == {first, absent.path, "extra"}


def test_a_release_is_published_to_a_place_and_verified_there(url: str, hospital: Hospital) -> None:
    done = release(hospital, AGREEMENT, LocalEngine(1), to=url)
    assert done.plan.to == url
    assert done.plan.version == 2
    assert list(verify_place(hospital, url)) == []
    assert list(verify_place(hospital, f"{url}/{AGREEMENT}/v0002")) == []
    assert list(verify(hospital)) == []
    place = open_place(url, AGREEMENT, "v0002")
    place.put(done.manifest.files[0].path, done.folder / MANIFEST)
    assert [one.where for one in verify_place(hospital, url)] == [done.plan.release]


def test_killed_between_the_folder_and_the_place_it_is_done_only_when_it_is_in_both(
    url: str, hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object) -> bool:
        raise Unavailable("lost")

    monkeypatch.setattr("bailee.flows.release.run.publish_to", lost)
    with pytest.raises(Unavailable):
        release(hospital, AGREEMENT, LocalEngine(1), to=url)
    name = f"{AGREEMENT}-v0002"
    assert hospital.egress.progress(name).state == "disclosed"
    assert [one.what for one in verify_place(hospital, url)] == ["no dataset is published there"]
    monkeypatch.undo()
    done = release(hospital, AGREEMENT, LocalEngine(1))
    assert done.resumed
    assert hospital.egress.progress(name).state == "done"
    assert list(verify_place(hospital, url)) == []


def test_a_place_that_cannot_be_reached_is_told_before_anything_is_written(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch, server: str
) -> None:
    with pytest.raises(Unavailable):
        release(hospital, AGREEMENT, LocalEngine(1), to="s3://no-such-bucket/x")
    assert hospital.egress.progress(f"{AGREEMENT}-v0002").state == "absent"


@pytest.mark.parametrize("wrong", ["ftp://x/y", "s3://", "https://x", "", "s3:/x", "file://host/x"])
def test_another_kind_of_place_is_refused(wrong: str) -> None:
    with pytest.raises(UserError, match="not a place"):
        open_place(wrong)


def test_an_endpoint_in_the_clear_is_refused_unless_it_is_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://store.example")
    with pytest.raises(UserError, match="in the clear"):
        open_place("s3://bucket/x")


def test_the_command_verifies_a_place(
    hospital: Hospital, url: str, dataset: tuple[Path, DatasetManifest], capsys: pytest.CaptureFixture[str]
) -> None:
    home = str(hospital.home.folder)
    hospital.close()
    assert main(["--home", home, "verify", url]) == 1
    assert "no dataset is published there" in capsys.readouterr().err
    publish_to(open_place(url, AGREEMENT, "v0001"), *dataset)
    assert main(["--home", home, "verify", url]) in {0, 1}
