"""Training: the whole step, gradient and optimiser included, as one compiled program.

All parameters live in one flat vector, of which the network reads views, and so do the optimiser's slots; the
program updates them in place. What a step sees is a function of the seed and the step's number, so a run that
is resumed from a checkpoint continues bit for bit.

- :mod:`~derivcheck.models.training.layout`: parameters, slots and state as flat vectors, in blocks of replicas;
- :mod:`~derivcheck.models.training.step`: the graph of a step, and its programs;
- :mod:`~derivcheck.models.training.failure`: where a NaN comes from;
- :mod:`~derivcheck.models.training.interruption`: Ctrl-C between steps;
- :mod:`~derivcheck.models.training.trainer`: the run.

>>> import numpy as np
>>> import derivcheck.models as m
>>> loss = lambda p, batch, run: m.sum(m.square(p["w"] - batch))
>>> run = train(loss, {"w": np.zeros(2)}, lambda step: np.array([1.0, 2.0]), optimiser=m.SGD(0.25), steps=30)
>>> run.parameters["w"].round(6)
array([1., 2.])
"""

from derivcheck.models.training.interruption import Interrupted
from derivcheck.models.training.progress import print_progress
from derivcheck.models.training.trainer import Trainer, Training, train

__all__ = ["Interrupted", "Trainer", "Training", "print_progress", "train"]
