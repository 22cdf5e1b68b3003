"""Checked constructors: everything that can be said.

They build *unevaluated* terms; only the affine arithmetic of sizes and indices, and the application of a lambda,
are carried out.  Python numbers are taken as exact rationals (a float must be an integer or a dyadic the author
wrote on purpose; ``Fraction`` is the safe way to write ``1/3``).

What a module's ``__all__`` names is also a name here.
"""

from derivcheck.language.constructors.arithmetic import *
from derivcheck.language.constructors.arrays import *
from derivcheck.language.constructors.binders import *
from derivcheck.language.constructors.numbers import *
from derivcheck.language.constructors.propositions import *
from derivcheck.language.constructors.spaces import *
from derivcheck.language.constructors.symbols import *
