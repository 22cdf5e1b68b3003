"""Forged certificates: each real one with one thing changed, and how many of them the audit rejects.

Run ``python tests/audit/tampering.py`` for the proofs of `proofs`, or with paths of certificates for those; add
``--each`` to see what is not rejected.
"""

from __future__ import annotations

import ast
import copy
import json
import random
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[k]) for k in (0, 2)]

from derivcheck.audit import check_inference
from derivcheck.audit.instances import Instances
from derivcheck.language import REAL, LanguageError, Term, make, neg, num
from derivcheck.language.certificates import read
from derivcheck.language.constructors import int_add, integer
from derivcheck.language.serial import Nodes, Table
from derivcheck.proof import kernel

#: Every rule of the kernel: a public function of its modules that gives a theorem.
RULES = tuple(
    f.name
    for source in sorted(Path(kernel.__file__).parent.glob("*.py"))
    for f in ast.parse(source.read_text(encoding="utf-8")).body
    if isinstance(f, ast.FunctionDef) and f.returns is not None and ast.unparse(f.returns) == "Theorem"
    if not f.name.startswith("_") and f.name != "conclude"
)
KINDS = ("statement", "hypothesis", "condition", "premise", "rule", "parameter", "context", "fact", "cycle")


@dataclass(frozen=True)
class Forgery:
    """A changed certificate: where, what, and the document."""

    number: int
    kind: str
    what: str
    document: dict[str, Any]


def variants(t: Term) -> Iterator[Term]:
    """Terms of the same sort with one place changed: numbers, signs, indices, directions, operands."""
    yield from _here(t)
    if t.op in ("range", "interval", "functions", "sym", "space"):
        return
    for k, a in enumerate(t.args):
        for other in variants(a):
            yield make(t.op, (*t.args[:k], other, *t.args[k + 1 :]), t.data, t.sort, t.hint)


def _here(t: Term) -> Iterator[Term]:
    match t.op:
        case "num":
            yield num(t.data + 1)
            if t.data:
                yield num(-t.data)
        case "neg":
            yield t.args[0]
        case "add" | "mul" | "and" if len(t.args) > 1:
            for k in range(len(t.args)):
                rest = t.args[:k] + t.args[k + 1 :]
                yield rest[0] if len(rest) == 1 else make(t.op, rest, None, t.sort)
        case "div":
            yield make("div", t.args[::-1], None, REAL)
            yield t.args[0]
        case "le" | "lt":
            yield make(t.op, t.args[::-1], None, t.sort)
            if t.op == "le":
                yield make("lt", t.args, None, t.sort)
        case "sym" | "bound" | "aff" if t.sort.kind == "int":
            yield int_add(t, integer(1))
        case "sym" | "app" | "fn" | "int" if t.sort == REAL:
            yield neg(t)
        case "max_over" | "argmax":
            yield make(t.op.replace("max", "min"), t.args, None, t.sort, t.hint)


class Forger:
    """Changes one theorem of a certificate at a time."""

    def __init__(self, document: dict[str, Any], seed: int) -> None:
        self.document = document
        self.nodes = Nodes(document["nodes"])
        self.random = random.Random(seed)

    def forge(self, number: int, per_kind: int = 4) -> Iterator[Forgery]:
        """At most `per_kind` forgeries of each kind."""
        for kind in KINDS:
            options = list(getattr(self, f"_{kind}")(number))
            for what, change in self.random.sample(options, min(per_kind, len(options))):
                forged = copy.deepcopy(self.document)
                change(forged)
                yield Forgery(number, kind, what, forged)

    def _put(self, forged: dict[str, Any], term: Term) -> int:
        table = Table()
        table.nodes = forged["nodes"]
        return table.add(term)

    def _statement(self, k: int) -> Iterator[tuple[str, Any]]:
        statement = self.nodes.term(self.document["theorems"][k]["statement"])
        for other in variants(statement):
            if other != statement:
                yield (
                    f"'{statement}' becomes '{other}'",
                    lambda d, t=other: self._set(d, k, "statement", self._put(d, t)),
                )

    @staticmethod
    def _set(d: dict[str, Any], k: int, field: str, value: Any) -> None:
        d["theorems"][k][field] = value

    def _without(self, k: int, field: str) -> Iterator[tuple[str, Any]]:
        items = self.document["theorems"][k][field]
        for j, item in enumerate(items):
            rest = items[:j] + items[j + 1 :]
            yield f"without '{self.nodes.term(item)}'", lambda d, rest=rest: self._set(d, k, field, rest)

    def _hypothesis(self, k: int) -> Iterator[tuple[str, Any]]:
        return self._without(k, "hypotheses")

    def _condition(self, k: int) -> Iterator[tuple[str, Any]]:
        return self._without(k, "conditions")

    def _premise(self, k: int) -> Iterator[tuple[str, Any]]:
        premises = self.document["theorems"][k]["premises"]
        for j in range(len(premises)):
            for other in {*range(max(0, k - 4), k)} - {premises[j]}:
                changed = [*premises[:j], other, *premises[j + 1 :]]
                yield f"premises {premises} become {changed}", lambda d, c=changed: self._set(d, k, "premises", c)

    def _rule(self, k: int) -> Iterator[tuple[str, Any]]:
        for name in sorted(set(RULES) - {self.document["theorems"][k]["rule"]}):
            yield f"by {name}", lambda d, name=name: self._set(d, k, "rule", name)

    def _parameter(self, k: int) -> Iterator[tuple[str, Any]]:
        for name, value in self.document["theorems"][k]["parameters"].items():
            if isinstance(value, dict):
                for other in variants(self.nodes.term(value["term"])):
                    yield (
                        f"{name} := {other}",
                        lambda d, name=name, t=other: d["theorems"][k]["parameters"].update(
                            {name: {"term": self._put(d, t)}}
                        ),
                    )
            yield f"without {name}", lambda d, name=name: d["theorems"][k]["parameters"].pop(name)

    def _context(self, k: int) -> Iterator[tuple[str, Any]]:
        for c in range(len(self.document["contexts"])):
            if c != self.document["theorems"][k]["context"]:
                yield f"in context {c}", lambda d, c=c: self._set(d, k, "context", c)

    def _fact(self, k: int) -> Iterator[tuple[str, Any]]:
        """One theorem's context loses a property of a symbol, or a whole declaration."""
        numbers = self.document["contexts"][self.document["theorems"][k]["context"]]
        for place, n in enumerate(numbers):
            declaration = self.document["declarations"][n]
            for j, p in enumerate(declaration["properties"]):

                def change(d: dict[str, Any], place: int = place, n: int = n, j: int = j) -> None:
                    changed = copy.deepcopy(d["declarations"][n])
                    del changed["properties"][j]
                    d["declarations"].append(changed)
                    self._new_context(d, k, place, [len(d["declarations"]) - 1])

                yield f"without {p['name']} of declaration {n}", change
            yield f"without declaration {n}", lambda d, place=place: self._new_context(d, k, place, [])

    def _new_context(self, d: dict[str, Any], k: int, place: int, put: list[int]) -> None:
        numbers = d["contexts"][d["theorems"][k]["context"]]
        d["contexts"].append([*numbers[:place], *put, *numbers[place + 1 :]])
        self._set(d, k, "context", len(d["contexts"]) - 1)

    def _cycle(self, k: int) -> Iterator[tuple[str, Any]]:
        for later in (k, len(self.document["theorems"]) - 1):
            yield f"rests on {later}", lambda d, later=later: d["theorems"][k]["premises"].append(later)


def verdict(forgery: Forgery, instances: Instances) -> str:
    """What the audit says of a forgery: the outcome of the changed theorem, or of one that rests on it."""
    try:
        certificate = read(json.dumps(forgery.document))
    except LanguageError:
        return "rejected"
    changed = certificate.inferences[forgery.number]
    outcomes = [
        check_inference(step, instances).outcome
        for step in certificate.inferences
        if step is changed or changed in step.premises
    ]
    return "rejected" if "rejected" in outcomes else "as stated" if "as stated" in outcomes else "accepted"


def _own() -> list[tuple[str, str]]:
    from proofs import PROOFS

    from derivcheck.proof.certificate import certificate

    return [(name, json.dumps(certificate(prove(), name))) for name, prove in PROOFS.items()]


def main() -> None:
    """Print how many forgeries of each kind are rejected."""
    made: Counter[str] = Counter()
    found: Counter[tuple[str, str]] = Counter()
    paths = [Path(a) for a in sys.argv[1:] if a != "--each"]
    for name, text in [(p.stem, p.read_text(encoding="utf-8")) for p in paths] or _own():
        document = json.loads(text)
        forger, instances = Forger(document, seed=1), Instances(seed=1)
        for number in range(len(document["theorems"])):
            for forgery in forger.forge(number):
                outcome = verdict(forgery, instances)
                made[forgery.kind] += 1
                found[forgery.kind, outcome] += 1
                if outcome != "rejected" and "--each" in sys.argv:
                    rule = document["theorems"][number]["rule"]
                    print(f"{outcome}: {name} {number} ({rule}), {forgery.kind}: {forgery.what}")
    print(f"{'changed':12}{'made':>7}{'rejected':>10}{'as stated':>11}{'accepted':>10}")
    for kind in KINDS:
        counts = [found[kind, outcome] for outcome in ("rejected", "as stated", "accepted")]
        print(f"{kind:12}{made[kind]:>7}{counts[0]:>10}{counts[1]:>11}{counts[2]:>10}")
    rejected = sum(n for (_, outcome), n in found.items() if outcome == "rejected")
    print(f"{rejected} of {sum(made.values())} rejected")


if __name__ == "__main__":
    main()
