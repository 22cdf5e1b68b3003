"""Compiler passes, one a file, in the order in which they run.

1. :mod:`lower`: scalar functions become elementwise primitives, in stable forms;
2. :mod:`simplify`: local identities;
3. :mod:`orient`: operand order of batched products;
4. :mod:`sink`: transposes move towards the outputs;
5. :mod:`gather`: sums of slices and of products become one operation;
6. :mod:`merge`: equal nodes become one (common subexpressions);
7. :mod:`host`: scalars known beforehand become Python floats;
8. :mod:`fuse`: elementwise chains are scheduled together;
9. :mod:`layout` and :mod:`plan`: every result is a view or gets a place in a reused workspace;
10. :mod:`emit`: one NumPy function, as text; for the compiled backend :mod:`machine` writes it as :mod:`loops`.

Passes 1 to 6 map a graph to a graph that computes the same; property tests run both on random inputs.
"""
