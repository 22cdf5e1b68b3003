"""Files that are no certificates, or that are made to hurt: a clear message, status 1 or 2, and no traceback."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_audit import written
from typer.testing import CliRunner

from derivcheck.cli.app import app

Document = dict[str, Any]


def audited(path: Path) -> tuple[int, str]:
    """Exit status and output of the command, which must not break."""
    result = CliRunner().invoke(app, ["audit", str(path)], env={"COLUMNS": "200", "NO_COLOR": "1"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return result.exit_code, re.sub(r"\s+", " ", result.output)


BYTES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "not JSON"),
    "truncated": (written("gibbs")[:3000].encode(), "not JSON"),
    "junk": (bytes(range(255, -1, -1)) * 400, "cannot be read"),
    "another encoding": (written("gibbs").encode("utf-16"), "cannot be read"),
    "null": (b"null", "not a certificate"),
    "10 MB of nested arrays": (b"[" * 5_000_000 + b"]" * 5_000_000, "nests too deep"),
    "10 MB of nested objects": (b'{"a":' * 1_700_000 + b"1" + b"}" * 1_700_000, "nests too deep"),
    "a wide array": (b"[" + b"1," * 1_000_000 + b"1]", "not a certificate"),
    "an integer of a million digits": (
        written("gibbs").replace('"premises": []', f'"premises": [{"9" * 10**6}]', 1).encode(),
        "not JSON",
    ),
}


@pytest.mark.parametrize("name", BYTES)
def test_a_file_that_is_no_certificate(name: str, tmp_path: Path) -> None:
    content, why = BYTES[name]
    file = tmp_path / "forged.json"
    file.write_bytes(content)
    status, output = audited(file)
    assert status == 1
    assert "REJECTED" in output
    assert why in output


def test_a_folder_and_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert audited(tmp_path)[0] == 2
    assert audited(tmp_path / "none.json")[0] == 2


def claimed(document: Document, *nodes: dict[str, Any]) -> None:
    """A last theorem by the normal form that states the last of some new nodes; "args" count from the first of them."""
    start = len(document["nodes"])
    for node in nodes:
        places = {"args": [start + k for k in node["args"]]} if "args" in node else {}
        document["nodes"].append({**node, **places})
    last = {**document["theorems"][-1], "rule": "normal_form", "premises": [], "parameters": {}}
    document["theorems"].append({**last, "statement": len(document["nodes"]) - 1})


def real(op: str, *args: int, **rest: Any) -> dict[str, Any]:
    return {"op": op, "sort": "real", **({"args": list(args)} if args else {}), **rest}


def equation(left: int, right: int) -> dict[str, Any]:
    return {"op": "eq", "sort": "prop", "args": [left, right]}


def integer(value: int) -> dict[str, Any]:
    return {"op": "aff", "sort": "int", "data": [value]}


def tower(d: Document) -> None:
    """``(10^10^12)^(10^10^12) = 10^10^12``."""
    claimed(
        d, real("num", data="10"), real("num", data=str(10**12)), real("pow", 0, 1), real("pow", 2, 2), equation(3, 2)
    )


def factorial(d: Document) -> None:
    claimed(d, integer(10**12), real("factorial", 0), real("num", data="1"), equation(1, 2))


def long_sum(d: Document) -> None:
    """A sum of 10^4000 terms."""
    claimed(
        d, integer(1), integer(10**4000), {"op": "range", "sort": "domain", "args": [0, 1]},
        {"op": "counting", "sort": "measure", "args": [2]}, {"op": "bound", "sort": "int", "data": 0},
        real("real", 4), real("int", 3, 5), equation(6, 6),
    )  # fmt: skip


def doubled(d: Document) -> None:
    """A term of 2^5000 nodes in five thousand lines."""
    claimed(d, real("num", data="1"), *(real("add", k, k) for k in range(5000)), equation(5000, 5000))


def deep(d: Document) -> None:
    """A term that nests deeper than the stack."""
    claimed(d, real("num", data="1"), *(real("neg", k) for k in range(20_000)), equation(20_000, 20_000))


def quantified(d: Document) -> None:
    """Twenty quantifiers over all integers."""
    every = ({"op": "forall", "sort": "prop", "args": [0, 1 + k]} for k in range(20))
    claimed(d, {"op": "integers", "sort": "domain"}, {"op": "true", "sort": "prop"}, *every)


def changed(change: Callable[[Document], Any]) -> Callable[[Document], None]:
    def apply(document: Document) -> None:
        change(document)

    return apply


DOCUMENTS: dict[str, tuple[Callable[[Document], None], str]] = {
    "NaN": (changed(lambda d: d["theorems"][0]["parameters"].update(x=float("nan"))), "NaN is not a number"),
    "infinity": (changed(lambda d: d["theorems"][0]["parameters"].update(x=float("inf"))), "Infinity is not a number"),
    "an unknown operator": (changed(lambda d: d["nodes"][3].update(op="exec")), "'exec' is not an operator"),
    "a node that rests on itself": (changed(lambda d: d["nodes"][-1].update(args=[10**6])), "not stand before it"),
    "a theorem that rests on itself": (changed(lambda d: d["theorems"][0].update(premises=[0])), "no earlier theorem"),
    "another version": (changed(lambda d: d.update(format="derivcheck-certificate-2")), "not a certificate"),
    "a number of a million digits": (
        changed(lambda d: d["nodes"].append(real("num", data="9" * 10**6))), "not a (reasonably short) text",
    ),
    "a number with an exponent": (changed(lambda d: d["nodes"].append(real("num", data="1e999999"))), "not a rational"),
    "a tower of powers": (tower, "UNDECIDED"),
    "a factorial that nobody writes out": (factorial, "UNDECIDED"),
    "a sum that nobody adds up": (long_sum, "UNDECIDED"),
    "a term that doubles": (doubled, "a term of more than"),
    "a term that is deep": (deep, "malformed"),
    "quantifiers upon quantifiers": (quantified, "UNDECIDED"),
}  # fmt: skip


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_certificate_that_is_made_to_hurt(name: str, tmp_path: Path) -> None:
    change, why = DOCUMENTS[name]
    document = json.loads(written("gibbs"))
    change(document)
    file = tmp_path / "forged.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    limit = sys.getrecursionlimit()
    status, output = audited(file)
    assert status == 1
    assert why in output, output[:500]
    assert sys.getrecursionlimit() == limit
