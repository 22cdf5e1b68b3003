"""Layers, one family a file; :mod:`~derivcheck.models.layers.base` says what a layer is."""

from derivcheck.models.layers.activation import *
from derivcheck.models.layers.attention import *
from derivcheck.models.layers.base import *
from derivcheck.models.layers.container import *
from derivcheck.models.layers.convolution import *
from derivcheck.models.layers.coupling import *
from derivcheck.models.layers.graph import *
from derivcheck.models.layers.linear import *
from derivcheck.models.layers.normalisation import *
from derivcheck.models.layers.recurrent import *
