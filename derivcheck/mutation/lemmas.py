"""The other claims of a problem, from which a near miss may follow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction

from derivcheck.language import Context, LanguageError, Term, free_symbols, mul, substitute, unfold
from derivcheck.problem import Claim
from derivcheck.proof import ProofError, Prover, Theorem, kernel
from derivcheck.proof.normal_form import Unknown
from derivcheck.proof.normal_form.matching import match

#: Ways in which one claim is matched against a near miss.
MATCHES = 4


class Lemmas:
    """Claims with proofs; a proof is run when a near miss would follow from its claim, and once.

    Parameters
    ----------
    claims : iterable of Claim
        Those without a proof, and those as printed, are left out.
    """

    def __init__(self, claims: Iterable[Claim] = ()) -> None:
        self.claims = tuple(c for c in claims if c.proof is not None and not c.as_printed)
        self._theorems: dict[str, Theorem | None] = {}

    def besides(self, claim: Claim) -> tuple[Claim, ...]:
        """All but one."""
        return tuple(c for c in self.claims if c.name != claim.name)

    def theorem(self, claim: Claim) -> Theorem | None:
        """What the claim's proof proves from the claim's context alone; None if it fails."""
        if claim.name not in self._theorems:
            self._theorems[claim.name] = _proved(claim)
        return self._theorems[claim.name]

    def proved(self, claim: Claim) -> bool:
        """Does the claim's proof succeed, from its own context alone?"""
        return self.theorem(claim) is not None


def _proved(claim: Claim) -> Theorem | None:
    assert claim.proof is not None
    try:
        theorem: Theorem = claim.proof(claim).theorem
    except (ProofError, LanguageError):
        return None
    given = {unfold(p) for p in claim.context.propositions()}
    if theorem.statement != claim.statement or not all(unfold(h) in given for h in theorem.hypotheses):
        return None
    return theorem


def instances_of(claim: Claim, context: Context, p: Term, changed: Term | None = None) -> Iterator[Term]:
    """What `claim` says in `context`, its symbols renamed so that it resembles `p`; first as it stands.

    Where only the part `changed` of the claim itself is another in `p`, its free symbols are also put with the other
    sign, twice and half as large: ``|Xa − y|`` is as good for ``−a`` as for ``a``.
    """
    statement = claim.statement
    seen: set[Term] = set()
    scaled = _rescalings(claim, changed) if changed is not None else ()
    if given_in(context, claim):
        seen.add(statement)
        yield statement
    for mapping in ({}, *_renamings(claim, context, p), *scaled):
        try:
            there = kernel.assume(claim.context, statement)
            here = kernel.instance(there, mapping, context).statement
        except (ProofError, LanguageError):
            continue
        if here not in seen:
            seen.add(here)
            yield here


def given_in(context: Context, claim: Claim) -> bool:
    """Does `claim` hold in `context` as it stands, because all that it assumes is given there?"""
    return set(claim.context.propositions()) <= set(context.propositions()) and not context.undeclared(claim.statement)


def _renamings(claim: Claim, context: Context, p: Term) -> Iterator[Mapping[Term, Term]]:
    """Terms for the symbols of `claim` under which its conclusion becomes that of `p`, or its sides change places."""
    symbols = frozenset(claim.context.symbols())
    pattern, target = _conclusion(claim.statement), _conclusion(p)
    count = 0
    try:
        for part, whole in ((pattern, target), *zip(pattern.args, target.args, strict=False)):
            for mapping in (*match(part, whole, symbols), *match(unfold(part), unfold(whole), symbols)):
                changed = {s: t for s, t in mapping.items() if s != t}
                if changed and all(free_symbols(t) <= set(context.symbols()) for t in changed.values()):
                    yield changed
                    count += 1
                if count >= MATCHES:
                    return
    except Unknown:
        return


def _rescalings(claim: Claim, changed: Term) -> Iterator[Mapping[Term, Term]]:
    """Multiples of each symbol in `changed` of which nothing is known."""
    for d in claim.context.declarations:
        s = d.symbol
        if s is None or d.properties or s not in free_symbols(changed) or d.kind not in ("real", "array"):
            continue
        for c in (Fraction(-1), Fraction(2), Fraction(1, 2)):
            yield {s: mul(c, s)}


def _conclusion(p: Term) -> Term:
    while p.op == "implies":
        p = p.args[1]
    return p


class Citing:
    """A tactic that cites claims of which a goal is an instance, also under a binder; it keeps which were used."""

    def __init__(self, lemmas: Lemmas, besides: Claim) -> None:
        self.lemmas = lemmas
        self.claims = tuple(c for c in lemmas.besides(besides) if c.statement.op in ("le", "lt", "eq"))
        #: The names of the claims that were cited.
        self.used: set[str] = set()

    def __call__(self, prover: Prover, goal: Term) -> Theorem:
        for claim in self.claims:
            for mapping in _renamings(claim, prover.context, goal):
                try:
                    # Whether it would help is seen before the claim's proof is run.
                    there = kernel.assume(claim.context, claim.statement)
                    prover.settle(kernel.instance(there, mapping, prover.context), goal)
                    proved = self.lemmas.theorem(claim)
                    if proved is None:
                        break
                    found = prover.settle(kernel.instance(proved, mapping, prover.context), goal)
                except (ProofError, LanguageError):
                    continue
                self.used.add(claim.name)
                return found
        raise ProofError(f"'{goal}' is not an instance of a claim")


def solved(p: Term) -> dict[Term, Term] | None:
    """What an equation says of a symbol, to be put for it."""
    if p.op == "eq":
        for symbol, value in (p.args, p.args[::-1]):
            if symbol.op == "sym" and symbol not in free_symbols(value):
                return {symbol: value}
    return None


def put_solved(p: Term, premise: Term) -> Term | None:
    """`p` with what `premise` says of a symbol put for it."""
    values = solved(premise)
    return substitute(p, values) if values is not None else None
