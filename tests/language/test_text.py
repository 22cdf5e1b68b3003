"""What is printed as text reads back as the same term."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from derivcheck.language.printing import free_names, text
from derivcheck.language.text import parse
from tests.language.terms_strategy import terms


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(terms())
def test_reads_back(term):
    written = text(term)
    assert parse(written, free_names(term), sort=term.sort) == term, written
