"""A question of one's own: are two expressions equal?  See `decide`."""

from derivcheck.decision.decide import decide
from derivcheck.decision.records import Decision

__all__ = ["Decision", "decide"]
