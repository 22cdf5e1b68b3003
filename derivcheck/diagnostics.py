"""Diagnostics: a code, one sentence, a place, and a line of help; every code is explained.

>>> explain("DC201").splitlines()[0]
'DC201: the claim is refuted'
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing that a reader should look at.

    Attributes
    ----------
    code : str
        A key of `CODES`.
    message : str
        One sentence about this very case.
    file, line : str, int
        Where; the file is empty and the line 0 where there is no place.
    help : str
        What to do about it; empty where the explanation of the code says it all.
    """

    code: str
    message: str
    file: str = ""
    line: int = 0
    help: str = ""

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise ValueError(f"no diagnostic has the code {self.code}")

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.file and self.line else f"{self.file}: " if self.file else ""
        tail = f"\n  help: {self.help}" if self.help else ""
        return f"{place}{self.code} {self.message}{tail}"


class DiagnosticError(Exception):
    """Work that cannot go on, with the diagnostic that says why."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic)
        self.diagnostic = diagnostic

    def __str__(self) -> str:
        return str(self.diagnostic)


#: Code -> (what happened, what it means and what to do).
CODES: dict[str, tuple[str, str]] = {
    # 0xx: the command line
    "DC001": (
        "no problem has this id",
        "The id is not among those that `derivcheck list` prints. The message names the nearest one. The path of a "
        "problem file of your own may stand in place of an id.",
    ),
    "DC002": (
        "nothing was selected",
        "`derivcheck verify` wants ids or files, or `--topic T`, or `--all`.",
    ),
    "DC003": (
        "no diagnostic has this code",
        "Codes are DC and three digits; they stand in front of messages and in the reports.",
    ),
    "DC004": ("no topic has this name", "Topics are the folders of `problems/`; `derivcheck list` prints them."),
    "DC005": (
        "the folder holds no problem file",
        "Problem files are the Python files at or below the folder; names that start with an underscore or a dot are "
        "taken for helpers.",
    ),
    "DC006": (
        "the certificates cannot be written",
        "`--certificate DIR` makes the folder if need be, before anything is verified. Name one that you may write to.",
    ),
    # 1xx: problem files
    "DC101": ("the file cannot be parsed", "It is not a Python file, or it has a syntax error, or it cannot be read."),
    "DC102": (
        "the file holds no problem",
        "A problem file assigns `problem = Problem(...)` at its top level.",
    ),
    "DC103": (
        "a field of the problem is not written as a constant",
        "`id`, `title`, `topic`, `summary` and `sources` are read without running the file, so that `derivcheck list` "
        "starts at once. Write them as plain strings (and a tuple of strings), or as a name that the file assigns so.",
    ),
    "DC104": ("two problems have one id", "An id is unique among the problems of one run. Rename one of the two."),
    "DC105": (
        "the problem file failed when it was run",
        "Running the file raised an exception; most often a term that cannot be said (sorts or sizes that do not fit), "
        "or a symbol that the context does not declare. The message is the exception's.",
    ),
    # 2xx: verdicts
    "DC201": (
        "the claim is refuted",
        "A witness found a case that satisfies the hypotheses and contradicts the statement; the reason shows it. "
        "If the statement stands like this in a source, record it with `as_printed=True` beside its correction.",
    ),
    "DC202": (
        "a step of the proof is not accepted",
        "The kernel did not accept the step that the message names; the claim is undecided, whatever other witnesses "
        "say, until the step is mended or the proof is taken out (then the claim can be supported at best).",
    ),
    "DC203": (
        "the proof proves another statement",
        "The theorem at the end of the proof is not the claim's statement, or it lives in another context.",
    ),
    "DC204": (
        "the proof uses a hypothesis that the claim does not state",
        "A theorem may use what the claim's context declares and nothing else. Declare it (and justify it by the "
        "source), or do without.",
    ),
    "DC205": (
        "a condition of the proof is not discharged",
        "A step divides, takes a logarithm, splits a range or the like, and the context does not show that this is "
        "allowed. Declare the condition, or state it as an assumption of the claim.",
    ),
    "DC206": (
        "the hypotheses have no model",
        "No concrete case that satisfies the hypotheses could be constructed, so the theorem may be vacuous: from "
        "contradictory hypotheses everything follows.",
    ),
    "DC207": (
        "no witness decides the claim",
        "Every witness abstained, was not run, or does not apply. The reasons stand beside the witnesses.",
    ),
    "DC208": (
        "a claim recorded as printed is not refuted",
        "It is recorded as a source's error, so some instance should contradict it. Perhaps it is right after all.",
    ),
    "DC209": (
        "the claim has no value somewhere",
        "At a case that satisfies the hypotheses a side of the claim does not exist (a division by zero, an inverse of "
        "a singular matrix, a divergent sum). A condition is missing among what is given.",
    ),
    # 3xx: bounds
    "DC301": (
        "the deadline passed",
        "The claim's process was ended; what had been found until then is shown. A time-out is undecided and is never "
        "cached. `--deadline SECONDS` allows more.",
    ),
    "DC302": (
        "the claim's process died",
        "It crashed, or the system ended it. The claim is undecided, and nothing is cached.",
    ),
    "DC303": ("the claim's memory ran out", "The claim's process is limited in memory. The claim is undecided."),
    "DC304": (
        "a witness raised an exception",
        "That is a defect of the witness or of the problem file, so it abstains; the message is the exception's.",
    ),
    # 4xx: defects of derivcheck itself
    "DC401": (
        "INTERNAL INCONSISTENCY: proved and refuted",
        "The kernel accepted a proof of a statement that another witness contradicts. One of the two is wrong: a rule "
        "is unsound, an evaluator misreads an operator, or a measurement does not measure what it says. The claim "
        "counts as refuted. Please report it with the problem file and the seed.",
    ),
    # 5xx: networks
    "DC501": (
        "the measurement cannot tell a near miss from the claim",
        "A wrong prediction passes the same comparison, so the measurement shows nothing. Measure more precisely "
        "(more replicas, larger samples) or choose the setting so that the two differ by more than the tolerance.",
    ),
    "DC502": (
        "the measurement is not well posed",
        "The prediction, the measured numbers and the tolerance must be finite arrays of one shape, the tolerance not "
        "negative, and at least one near miss must be given.",
    ),
    "DC503": (
        "the measurement did not run",
        "Something that it needs is not installed; the reason says what to install.",
    ),
    # 6xx: near misses
    "DC601": (
        "a near miss survived",
        "A wrong variant of the claim is neither refuted nor shown to be true: the claim's checks may not be able to "
        "fail. Either it is true (then its proof should be found), or the instances do not reach where it is false.",
    ),
}


def explain(code: str) -> str:
    """What a code means, as the text that ``--explain`` prints.

    Raises
    ------
    KeyError
        If there is no such code.
    """
    title, body = CODES[code.upper()]
    return f"{code.upper()}: {title}\n\n{body}"
