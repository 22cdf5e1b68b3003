"""The examples in the language's docstrings are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import derivcheck.language

MODULES = sorted(m.name for m in pkgutil.walk_packages(derivcheck.language.__path__, "derivcheck.language."))


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
