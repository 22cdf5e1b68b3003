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

What a module's ``__all__`` names is also a name here.
"""

from derivcheck.models import (
    activations,
    batches,
    data,
    differentiate,
    functional,
    gradient_check,
    initialisers,
    layers,
    losses,
    mdp,
    primitives,
    render,
    replicate,
    scalar,
    schedules,
    training,
    tree,
)
from derivcheck.models.activations import *
from derivcheck.models.batches import *
from derivcheck.models.compiler import Compiled, compile
from derivcheck.models.data import *
from derivcheck.models.differentiate import *
from derivcheck.models.errors import CompileError, MissingDataError, ModelError, NonFiniteError, ShapeError
from derivcheck.models.functional import *
from derivcheck.models.gradient_check import *
from derivcheck.models.graph import Graph, reachable, rewrite
from derivcheck.models.initialisers import *
from derivcheck.models.layers import *
from derivcheck.models.losses import *
from derivcheck.models.mdp import *
from derivcheck.models.optimisers import SGD, Adagrad, Adam, Averaged, GradientMethod, Optimiser, RMSProp
from derivcheck.models.program import Program, compile_graph, optimise
from derivcheck.models.render import *
from derivcheck.models.replicate import *
from derivcheck.models.scalar import *
from derivcheck.models.schedules import *
from derivcheck.models.tensor import (
    PRIMITIVES,
    Array,
    Primitive,
    Shape,
    Tensor,
    as_tensor,
    constant,
    labelled,
    make,
    scope,
    variable,
)
from derivcheck.models.tracing import trace
from derivcheck.models.training import *
from derivcheck.models.tree import *

__all__ = [
    "Adagrad",
    "Adam",
    "Array",
    "Averaged",
    "CompileError",
    "Compiled",
    "GradientMethod",
    "Graph",
    "MissingDataError",
    "ModelError",
    "NonFiniteError",
    "Optimiser",
    "PRIMITIVES",
    "Primitive",
    "Program",
    "RMSProp",
    "SGD",
    "Shape",
    "ShapeError",
    "Tensor",
    "as_tensor",
    "compile",
    "compile_graph",
    "constant",
    "functional",
    "labelled",
    "make",
    "optimise",
    "primitives",
    "reachable",
    "rewrite",
    "scope",
    "trace",
    "variable",
    *activations.__all__,
    *batches.__all__,
    *data.__all__,
    *differentiate.__all__,
    *functional.__all__,
    *gradient_check.__all__,
    *initialisers.__all__,
    *layers.__all__,
    *losses.__all__,
    *mdp.__all__,
    *render.__all__,
    *replicate.__all__,
    *scalar.__all__,
    *schedules.__all__,
    *training.__all__,
    *tree.__all__,
]
