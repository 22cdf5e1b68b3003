"""Compiler passes, one a file, in the order in which they run.

1. :mod:`lower`: scalar functions become elementwise primitives, in stable forms; softmax is written out;
2. :mod:`simplify`: local identities;
3. :mod:`orient`: operand order of batched products;
4. :mod:`sink`: transposes move towards the outputs;
5. :mod:`gather`: sums of slices and of products become one operation;
6. :mod:`merge`: equal nodes become one (common subexpressions);
7. :mod:`batch`: one call for the same function of many parts of one array;
8. :mod:`host`: scalars known beforehand become Python floats;
9. :mod:`fuse`: elementwise chains are scheduled together;
10. :mod:`layout`, :mod:`places` and :mod:`plan`: every result is a view, or stands in what it is a part of, or gets a
    place in a reused workspace;
11. :mod:`emit`, by the table of :mod:`lines`: one NumPy function, as text; for the compiled backend :mod:`machine`
    writes it as :mod:`loops`.

Passes 1 to 7 map a graph to a graph that computes the same; property tests run both on random inputs.
"""
