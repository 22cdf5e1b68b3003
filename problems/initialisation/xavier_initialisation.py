"""Variance-preserving initialisation (Xavier/Glorot and He).

Source: discussion worksheet 4 (deriving Xavier initialisation); UDL answer booklet, chapter 7 (half the second moment
behind a ReLU).

For z = W a with zero-mean, uncorrelated weights of variance v and W independent of the vector a, Var z_i = v Σ_j E
a_j²: nothing is asked of the a_j among themselves, and it is the second moment of a, not its variance, that counts.
The same holds backwards for a cotangent that is independent of W. The two requests 1/D_a and 1/D_z meet in 2/(D_a +
D_z). Behind a ReLU half of the second moment of a symmetric pre-activation is left, which is why He takes 2/D.
Shown by exact enumeration, and by depth sweeps over thousands of freshly initialised networks.
"""

from _xavier_backward import backward, compromise, compromise_product, uniform_law
from _xavier_forward import mean, variance, variance_centred_inputs, variance_common_inputs, xavier_forward
from _xavier_relu import he, relu_second_moment

from derivcheck.problem import Problem

problem = Problem(
    id="xavier-initialisation",
    title="Variance-preserving initialisation",
    topic="initialisation",
    summary="How a random linear layer carries second moments forwards and backwards; Xavier's and He's variances.",
    sources=("xavier-initialization", "udl-relu-second-moment-half"),
    claims=(
        # Forwards.
        mean,
        variance,
        variance_common_inputs,
        variance_centred_inputs,
        xavier_forward,
        # Backwards, and the compromise.
        backward,
        compromise,
        compromise_product,
        uniform_law,
        # Behind a ReLU.
        relu_second_moment,
        he,
    ),
)
