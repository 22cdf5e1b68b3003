"""Data sets: handwritten digits and synthetic ones."""

from derivcheck.models.data.digits import *
from derivcheck.models.data.synthetic import *
