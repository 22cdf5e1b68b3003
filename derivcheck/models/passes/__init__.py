"""Compiler passes, one a file, in the order in which they run.

1. :mod:`lower`: scalar functions become elementwise primitives, in stable forms;
2. :mod:`simplify`: local identities;
3. :mod:`merge`: equal nodes become one (common subexpressions);
4. :mod:`fuse`: elementwise chains are scheduled together;
5. :mod:`plan`: every result gets a place in a reused workspace, or is a view;
6. :mod:`emit`: one NumPy function, as text.

Passes 1 to 3 map a graph to a graph that computes the same; property tests run both on random inputs.
"""
