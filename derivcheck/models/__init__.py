"""Networks, differentiated and compiled to NumPy.

A network is written as layers, becomes a graph of tensor primitives, is differentiated from graph to graph, and
is compiled to one NumPy function that can be read.

>>> import numpy as np
>>> import derivcheck.models as m
>>> net = m.Sequential(m.Linear(2, 8), m.Tanh(), m.Linear(8, 1))
>>> p = net.init(0)
>>> step = m.compile(m.value_and_grad(lambda p, x, y: m.squared_error(net(p, x), y)))
>>> loss, gradient = step(p, np.ones((5, 2)), np.zeros((5, 1)))
>>> gradient["0"]["weight"].shape
(8, 2)

``compile`` makes the NumPy function (``.source`` prints it, ``.cost()`` states its work); ``grad``,
``value_and_grad``, ``vjp``, ``jvp``, ``jacobian`` and ``hessian_vector_product`` map functions of tensors to
functions of tensors and compose; ``compile(..., replicas=…)`` runs thousands of networks at once.
"""

from derivcheck.models import functional, primitives
from derivcheck.models.activations import *
from derivcheck.models.compiler import *
from derivcheck.models.differentiate import *
from derivcheck.models.errors import *
from derivcheck.models.functional import *
from derivcheck.models.initialisers import *
from derivcheck.models.layers import *
from derivcheck.models.losses import *
from derivcheck.models.optimisers import *
from derivcheck.models.replicate import replicated
from derivcheck.models.scalar import ScalarFunction
from derivcheck.models.schedules import *
from derivcheck.models.tensor import Tensor
from derivcheck.models.checkpoint import *
from derivcheck.models.data import *
from derivcheck.models.mdp import *
from derivcheck.models.training import *
from derivcheck.models.gradient_check import *
from derivcheck.models.tree import flatten, map_tree, unflatten
