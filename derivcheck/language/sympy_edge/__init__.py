"""SymPy at the edge: scalar terms as SymPy expressions, SymPy expressions as terms, and SymPy's own opinion.

SymPy never judges.  Authors may write scalars with it (`from_sympy`), its printers and algorithms can be given our
scalars (`to_sympy`), and it is asked what it thinks of a scalar step (`sympy_opinion`); what it answers is shown, and
checked before anything rests on it.  Only this package imports SymPy, and nothing imports this package at start-up.

Where the two languages differ:

- A SymPy symbol without assumptions is complex; here it is **read as real**, and the notes say so.
- SymPy's sum over a range of negative length is minus a sum (Karr's convention, ``Sum(1, (i, 1, -1)).doit()`` is -1);
  here an empty range gives 0 and an empty product 1.  The notes say where the bounds leave this open.
- SymPy's bound variables are names that ``subs`` captures.  `to_sympy` writes them as dummies that equal no symbol, the
  same one for the same depth, so that two conversions of one term are equal.
- Floats are the exact binary fractions that they are.
- A power of a base that is not positive needs an integer exponent here; SymPy takes the complex principal value.

>>> import sympy
>>> from derivcheck.language import *
>>> x = sympy.Symbol("x", positive=True); n = sympy.Symbol("n", integer=True, positive=True); i = sympy.Symbol("i")
>>> read = from_sympy(sympy.Sum(sympy.sqrt(x) * i, (i, 1, n - 1)) / sympy.cosh(x))
>>> read.term
sum(i*sqrt(x) for i in 1..n-1)/((exp(x) + exp(-x))/2)
>>> [f"{name}: {fact}" for name, fact in read.context.facts()]
['n at least: 1 <= n', 'x above: 0 < x']
>>> to_sympy(Sum(1, 3, lambda j: Real("x") ** j)).doit()
x**3 + x**2 + x
>>> sympy_opinion((Real("x") + 1) ** 2, Real("x") ** 2 + 2 * Real("x") + 1)
'agrees'
"""

from derivcheck.language.sympy_edge.limits import NotScalar as NotScalar
from derivcheck.language.sympy_edge.limits import Unsupported as Unsupported
from derivcheck.language.sympy_edge.opinion import sympy_opinion as sympy_opinion
from derivcheck.language.sympy_edge.reading import FromSymPy as FromSymPy
from derivcheck.language.sympy_edge.reading import from_sympy as from_sympy
from derivcheck.language.sympy_edge.writing import to_sympy as to_sympy
