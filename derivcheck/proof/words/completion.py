"""Bounded completion of word equations: rules ``word → sum of smaller words``, and what overlaps add to them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from derivcheck.language import ne
from derivcheck.proof.normal_form import Unknown, to_term
from derivcheck.proof.normal_form.poly import Lin, Mono, constant
from derivcheck.proof.words.algebra import Sum, Word, added, leading, product, weight

if TYPE_CHECKING:
    from derivcheck.proof.normal_form import Normaliser

#: Rules kept; textbook identities need fewer than twenty.
MAX_RULES = 60
#: The longest overlap that is looked at.
MAX_OVERLAP = 9
#: Rewriting steps in all.
MAX_STEPS = 20_000


@dataclass(frozen=True, slots=True)
class Rule:
    """The word `left` equals the sum `right`, whose words are smaller."""

    left: Word
    right: tuple[tuple[Word, tuple[tuple[Mono, Fraction], ...]], ...]

    def sum(self) -> Sum:
        """The right side."""
        return {w: dict(c) for w, c in self.right}


class System:
    """Rules that hold, grown from equations between sums of words."""

    def __init__(self, n: Normaliser) -> None:
        self.n = n
        self.rules: list[Rule] = []
        self.steps = 0

    # --------------------------------------------------------------------------------------------------- rewriting

    def reduced(self, p: Sum) -> Sum:
        """`p` with every word rewritten as far as the rules go."""
        out: Sum = {}
        todo = dict(p)
        while todo:
            self.steps += 1
            if self.steps > MAX_STEPS:
                raise Unknown("too many rewriting steps on words")
            word = max(todo, key=weight)
            c = todo.pop(word)
            found = self._redex(word)
            if found is None:
                out = added(out, {word: constant(1)}, c, self.n)
                continue
            start, rule = found
            before, after = word[:start], word[start + len(rule.left) :]
            todo = added(todo, {before + w + after: d for w, d in rule.sum().items()}, c, self.n)
        return out

    def _redex(self, word: Word) -> tuple[int, Rule] | None:
        for rule in self.rules:
            k = len(rule.left)
            for start in range(len(word) - k + 1):
                if word[start : start + k] == rule.left:
                    return start, rule
        return None

    # -------------------------------------------------------------------------------------------------- completion

    def add(self, equation: Sum) -> None:
        """Take in ``equation = 0`` and what follows from its overlaps, as far as the bounds allow."""
        pending = [equation]
        while pending:
            pending.sort(key=lambda p: [weight(w) for w in sorted(p, key=weight, reverse=True)], reverse=True)
            p = self.reduced(pending.pop())
            rule = self._oriented(p)
            if rule is None:
                continue
            if len(self.rules) >= MAX_RULES:
                return
            # a rule whose left side the new one rewrites is taken in again
            stale = [r for r in self.rules if _contains(r.left, rule.left)]
            self.rules = [r for r in self.rules if r not in stale]
            pending.extend(added({r.left: constant(1)}, r.sum(), constant(-1), self.n) for r in stale)
            self.rules.append(rule)
            for other in list(self.rules):
                pending.extend(self._overlaps(rule, other))
                if other is not rule:
                    pending.extend(self._overlaps(other, rule))

    def _oriented(self, p: Sum) -> Rule | None:
        """``p = 0`` solved for its leading word, where that word's coefficient can be divided by."""
        if not p:
            return None
        word = leading(p)
        c = p[word]
        if not word or len(c) != 1:
            return None  # 1 = 0 on an empty size, or a coefficient that may vanish in many ways
        if not self.n.facts.holds(ne(to_term(c), 0)):
            return None
        factor = self.n.raised(c, Lin(Fraction(-1)), to_term(c))
        rest = {w: d for w, d in p.items() if w != word}
        right = added({}, rest, self.n.times(constant(-1), factor), self.n)
        return Rule(word, tuple((w, tuple(d.items())) for w, d in right.items()))

    def _overlaps(self, one: Rule, two: Rule) -> list[Sum]:
        """For a word that ends `one.left` and begins `two.left`: the two ways to rewrite it agree."""
        out = []
        for k in range(1, min(len(one.left), len(two.left))):
            if one.left[-k:] != two.left[:k] or len(one.left) + len(two.left) - k > MAX_OVERLAP:
                continue
            head, tail = {one.left[:-k]: constant(1)}, {two.left[k:]: constant(1)}
            left = product(one.sum(), tail, self.n)
            right = product(head, two.sum(), self.n)
            out.append(added(left, right, constant(-1), self.n))
        return out


def _contains(word: Word, part: Word) -> bool:
    return any(word[i : i + len(part)] == part for i in range(len(word) - len(part) + 1))
