"""Streamed ZIP files: complete, in pieces, and with bounded memory."""

from __future__ import annotations

import io
import random
import shutil
import subprocess
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from shop.text.zip_stream import zipped

FILES = {
    "README.txt": [b"Bonjour\n"],
    "empty.json": [],
    "dossier/été.json": [b"[\n", b"1", b"\n]\n"],
    "paper.pdf": [random.Random(7).randbytes(300_000)],
}


def whole(files: dict[str, list[bytes]]) -> dict[str, bytes]:
    return {name: b"".join(content) for name, content in files.items()}


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("piece", [1, 1000, 1_000_000])
def test_a_stream_is_a_zip_file_in_pieces_of_one_size(compression: int, piece: int) -> None:
    pieces = list(zipped(FILES.items(), compression, piece))
    assert {len(each) for each in pieces[:-1]} <= {piece}
    assert 0 < len(pieces[-1]) <= piece
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == whole(FILES)
        assert {each.compress_type for each in archive.infolist()} == {compression}
        assert all(each.date_time[0] > 2000 for each in archive.infolist())


def test_without_files_it_is_an_empty_zip_file() -> None:
    with zipfile.ZipFile(io.BytesIO(b"".join(zipped([])))) as archive:
        assert archive.namelist() == []


@pytest.mark.skipif(not shutil.which("unzip"), reason="needs Info-ZIP")
@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_info_zip_opens_it(tmp_path: Path, compression: int) -> None:
    file = tmp_path / "all.zip"
    file.write_bytes(b"".join(zipped(FILES.items(), compression)))
    done = subprocess.run(["unzip", "-t", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "No errors detected" in done.stdout


def test_files_are_made_when_they_are_read() -> None:
    made: list[int] = []

    def files() -> Iterator[tuple[str, list[bytes]]]:
        for number in range(10):
            made.append(number)
            yield f"{number}.bin", [bytes(1000)]

    stream = zipped(files(), zipfile.ZIP_STORED, 1000)
    assert made == []
    next(stream)
    assert made == [0]
    stream.close()
    assert made == [0]


def test_memory_does_not_grow_with_the_files() -> None:
    def peak(number: int) -> int:
        content = random.Random(7).randbytes(100_000)
        tracemalloc.start()
        length = sum(map(len, zipped((f"{n}", [content]) for n in range(number))))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert length > number * len(content)
        return most

    peak(2)
    assert peak(200) < peak(10) + 200_000
