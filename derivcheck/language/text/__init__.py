"""Reading the text form back: a recursive-descent reader of exactly what `printing.text` writes.

It evaluates nothing: it looks names up in the given symbols and calls the checked constructors.  Depth is bounded, and
every error says where.

>>> from derivcheck.language import *
>>> from derivcheck.language.text import parse
>>> n = Size("n"); x = Vector("x", n)
>>> parse("sum(x[j]^2 for j in 1..n) <= 3*n", {"n": n, "x": x})
sum(x[j]^2 for j in 1..n) <= 3*n
>>> parse("sum(x[j] for j in 1..n", {"n": n, "x": x})
Traceback (most recent call last):
    ...
derivcheck.language.text.tokens.TextError: the bracket is not closed
  sum(x[j] for j in 1..n
     ^

The grammar, loosest first (names between backquotes stand for themselves)::

    term     = "if" prop "then" prop "else" prop | ("forall" | "exists") name "in" domain "." term
             | name "in" domain "->" term | prop
    prop     = denial ("and" denial)* | denial ("or" denial)* | denial "==>" denial
    denial   = "not" denial | sum [("=" | "!=" | "<=" | "<") sum]
    sum      = ["-"] product (("+" | "-") product)*
    product  = power (("*" | "/" | "@" | ".*") power)*          a leading "2/3" is the number
    power    = atom ["^" atom]
    atom     = (number | name | name "(" arguments ")" | "(" term ")" | "[" term "]") ("[" terms "]" | ".T")*
    binder   = word "(" term "for" name "in" domain ")" | word "(" term "for" name "~" measure ")"
    domain   = sum ".." sum | "reals" | "integers" | "interval" "(" term "," term ")" | space
             | "functions" "(" domains ["->" domain] ")"
"""

from derivcheck.language.text.cursor import DEPTH
from derivcheck.language.text.reader import parse
from derivcheck.language.text.tokens import TextError

__all__ = ["DEPTH", "TextError", "parse"]
