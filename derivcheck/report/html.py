"""The report as one self-contained HTML page: statements in MathML, steps, evidence, near misses, plots as SVG.

Nothing is loaded from elsewhere, and there is no script: folds are `<details>`.  `fragment` is the same for one result,
for a notebook.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from importlib.resources import files
from itertools import groupby
from typing import Any

from derivcheck.engine.results import ClaimResult, Outcome, ProblemResult, Report, WitnessResult
from derivcheck.report import svg
from derivcheck.report.findings import claim_errors, failure
from derivcheck.report.text import summary

#: The numbers of an experiment and what a reader calls them.
_NUMBERS = (
    ("n", "sample size"),
    ("statistic", "statistic"),
    ("critical", "critical value"),
    ("justification", "justified by"),
    ("false_alarm", "false-alarm rate"),
    ("detectable", "smallest relative error it would have caught"),
    ("scale", "relative to the scale"),
)


def render(report: Report) -> str:
    """The page."""
    body = "".join(_problem(r) for r in report.results)
    contents = "".join(
        f'<tr><td><a href="#{escape(r.id)}">{escape(r.title)}</a></td><td>{escape(r.topic)}</td>'
        f"<td>{_badge(str(r.verdict))}</td><td>{len(r.claims)}</td></tr>"
        for r in report.results
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>derivcheck report</title><style>{_style()}</style></head>"
        '<body class="derivcheck"><header><h1>derivcheck report</h1>'
        f"<p>{escape(summary(report).plain)}</p>"
        f'<p class="dim">version {escape(report.version)}, seed {report.seed}</p></header>'
        f"<main><table><thead><tr><th>result</th><th>topic</th><th>verdict</th><th>claims</th></tr></thead>"
        f"<tbody>{contents}</tbody></table>{body}</main></body></html>"
    )


def fragment(result: ProblemResult) -> str:
    """One result, styled by itself, to stand inside another page (a notebook)."""
    return f'<style>{_style()}</style><div class="derivcheck">{_problem(result)}</div>'


def _style() -> str:
    return (files("derivcheck.report") / "style.css").read_text(encoding="utf-8")


def _badge(value: str) -> str:
    return f'<span class="badge {value}">{escape(value)}</span>'


def _problem(result: ProblemResult) -> str:
    broken = "".join(f'<p class="alert">{escape(str(d))}</p>' for d in failure(result))
    sources = f'<p class="dim">sources: {escape(", ".join(result.sources))}</p>' if result.sources else ""
    claims = "".join(_claim(result, c) for c in result.claims)
    return (
        f'<section id="{escape(result.id)}"><h2>{escape(result.title)} {_badge(str(result.verdict))}</h2>'
        f"<p>{escape(result.summary)}</p>{sources}{broken}{claims}</section>"
    )


def _claim(result: ProblemResult, claim: ClaimResult) -> str:
    parts = [f'<article><h3 id="{escape(result.id)}.{escape(claim.name)}">{escape(claim.name)} ']
    parts.append(_badge(str(claim.verdict)))
    if claim.as_printed:
        parts.append(' <span class="dim">as printed; expected to be refuted</span>')
    parts.append(f"</h3><p>{escape(claim.summary)}</p>")
    parts.append(f'<div class="statement">{claim.mathml or escape(claim.statement)}</div>')
    for d in claim_errors(result, claim):
        parts.append(f'<p class="alert"><b>{d.code}</b> {escape(d.message)}</p>')
    parts.append(_fold("given", "".join(f"<li>{escape(g)}</li>" for g in claim.given), "ul"))
    parts.append(_fold("conditions", "".join(f"<li>{escape(c)}</li>" for c in claim.conditions), "ul", True))
    parts.append(_fold("assumed", "".join(f"<li>{escape(a)}</li>" for a in claim.assumed), "ul", True))
    parts.append('<table class="witnesses"><tbody>')
    parts.extend(
        f"<tr><th>{w.kind}</th><td>{_badge(str(w.outcome))}</td><td>{escape(w.reason)}</td></tr>"
        for w in claim.witnesses
    )
    parts.append("</tbody></table>")
    for w in claim.witnesses:
        parts.extend(_detail(w))
    parts.append(_near_misses(claim))
    parts.append("</article>")
    return "".join(parts)


def _fold(title: str, inner: str, tag: str, opened: bool = False) -> str:
    if not inner:
        return ""
    return f"<details{' open' if opened else ''}><summary>{title}</summary><{tag}>{inner}</{tag}></details>"


def _detail(w: WitnessResult) -> Iterator[str]:
    """What a kind of witness has to show beyond its line."""
    if w.kind == "proof":
        yield _fold("steps", "".join(_step(s) for s in w.detail.get("steps", ())), "ol", True)
    elif w.kind == "experiment" and w.outcome in (Outcome.CONFIRMS, Outcome.REFUTES, Outcome.ABSTAINS):
        rows = "".join(
            f"<tr><th>{label}</th><td>{_number(w.detail[key])}</td></tr>"
            for key, label in _NUMBERS
            if w.detail.get(key) is not None
        )
        yield _fold("experiment", rows, "table")
    elif w.kind == "network":
        for m in w.detail.get("measurements", ()):
            yield _measurement(m)


def _step(step: Mapping[str, Any]) -> str:
    shown = step.get("mathml") or f"<code>{escape(step['statement'])}</code>"
    opinion = f' <span class="dim">· SymPy: {escape(step["sympy"])}</span>' if "sympy" in step else ""
    return f'<li><div class="statement">{shown}</div><span class="dim">by {escape(step["reason"])}</span>{opinion}</li>'


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else escape(str(value))


def _measurement(m: Mapping[str, Any]) -> str:
    near = "".join(
        f"<tr><td>{escape(name)}</td><td>{'∞' if ratio is None else f'{ratio:.3g}'} × the tolerance away</td></tr>"
        for name, ratio in m.get("near_misses", {}).items()
    )
    table = (
        f"<table><thead><tr><th>near miss of the prediction</th><th>fails by</th></tr></thead>{near}</table>"
        if near
        else ""
    )
    scalars = {k: v for k, v in m.get("detail", {}).items() if isinstance(v, int | float | str)}
    facts = ", ".join(f"{escape(k)} {_number(v)}" for k, v in scalars.items())
    inner = (
        f"<p>{escape(m['summary'])} {_badge(m['outcome'])}</p><p>{escape(m['reason'])}</p>"
        f"{f'<p class=dim>{facts}</p>' if facts else ''}{table}{_plots(m)}"
    )
    return _fold(f"network: {escape(m['name'])}", inner, "div")


def _flat(value: Any) -> list[float | None]:
    return [x for v in value for x in _flat(v)] if isinstance(value, list) else [value]


def _plots(m: Mapping[str, Any]) -> str:
    """Measured against predicted where there are several numbers, and every curve of the reading's detail."""
    out = []
    predicted = _flat(m["predicted"]) if "predicted" in m else []
    tolerance = _flat(m.get("tolerance", []))
    if 2 <= len(predicted) <= 2000:
        spread = tolerance if len(tolerance) == len(predicted) else tolerance[:1] * len(predicted)
        if len(spread) == len(predicted) == len(_flat(m["measured"])):
            out.append(svg.against(predicted, _flat(m["measured"]), spread))
    lines = {k: v for k, v in m.get("detail", {}).items() if _is_curve(v)}
    by_length = sorted(lines.items(), key=lambda item: len(item[1]))
    for _, group in groupby(by_length, key=lambda item: len(item[1])):
        out.append(svg.curves(dict(group)))
    return "".join(out)


def _is_curve(value: Any) -> bool:
    return isinstance(value, list) and len(value) >= 2 and all(v is None or isinstance(v, int | float) for v in value)


def _near_misses(claim: ClaimResult) -> str:
    if claim.near_misses is None:
        return ""
    rows = "".join(
        f"<tr><td>{_badge(str(n.fate))}</td><td>{escape(n.kind)}</td><td><code>{escape(n.statement)}</code></td>"
        f"<td>{escape(n.evidence)}</td></tr>"
        for n in claim.near_misses
    )
    head = "<thead><tr><th>fate</th><th>kind</th><th>near miss</th><th>evidence</th></tr></thead>"
    return _fold(f"near misses: {_counts(claim.mutant_counts())}", f"{head}<tbody>{rows}</tbody>", "table") + _caught(
        claim.sensitivity
    )


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in counts.items() if n)


def _caught(rows: Sequence[Any]) -> str:
    inner = "".join(
        f"<li>{escape(s.witness)}: {'none' if s.caught is None else f'{s.caught:.0e}'} {escape(s.note)}</li>"
        for s in rows
    )
    return _fold("smallest planted relative error that was caught", inner, "ul")
