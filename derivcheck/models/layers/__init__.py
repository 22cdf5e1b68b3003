"""Layers, one family a file; :mod:`~derivcheck.models.layers.base` says what a layer is."""

from derivcheck.models.layers.activation import (
    ELU,
    GELU,
    SELU,
    Activation,
    LeakyReLU,
    Mish,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from derivcheck.models.layers.attention import (
    LearnedPositions,
    MultiHeadAttention,
    SinusoidalPositions,
    attention,
    causal_mask,
    sinusoidal_positions,
)
from derivcheck.models.layers.base import Layer, Run
from derivcheck.models.layers.container import Composite, Dropout, Flatten, Lambda, Reshape, Residual, Sequential
from derivcheck.models.layers.convolution import Conv1d, Conv2d, ConvTranspose2d, conv2d
from derivcheck.models.layers.coupling import AdditiveCoupling, AffineCoupling, Flow
from derivcheck.models.layers.graph import GraphConvolution
from derivcheck.models.layers.linear import Bias, Embedding, Linear
from derivcheck.models.layers.normalisation import BatchNorm, LayerNorm
from derivcheck.models.layers.pooling import AvgPool1d, AvgPool2d, MaxPool1d, MaxPool2d
from derivcheck.models.layers.recurrent import GRU, LSTM, RNN

__all__ = [
    "ELU",
    "GELU",
    "GRU",
    "LSTM",
    "RNN",
    "SELU",
    "Activation",
    "AdditiveCoupling",
    "AffineCoupling",
    "AvgPool1d",
    "AvgPool2d",
    "BatchNorm",
    "Bias",
    "Composite",
    "Conv1d",
    "Conv2d",
    "ConvTranspose2d",
    "Dropout",
    "Embedding",
    "Flatten",
    "Flow",
    "GraphConvolution",
    "Lambda",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "LearnedPositions",
    "Linear",
    "MaxPool1d",
    "MaxPool2d",
    "Mish",
    "MultiHeadAttention",
    "ReLU",
    "Reshape",
    "Residual",
    "Run",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "SinusoidalPositions",
    "Softmax",
    "Softplus",
    "Tanh",
    "attention",
    "causal_mask",
    "conv2d",
    "sinusoidal_positions",
]
