"""Compiler passes, one a file, in the order in which they run.

1. :mod:`lower`: scalar functions become elementwise primitives, in stable forms; softmax is written out;
2. :mod:`simplify`: local identities;
3. :mod:`factor`: a number by which later numbers multiply anyhow is left out before them;
4. :mod:`interleave`: short rows of replicas stand side by side (NumPy only);
5. :mod:`upright`: short rows that are reduced stand upright (NumPy only);
6. :mod:`orient`: operand order of batched products;
7. :mod:`sink`: transposes move towards the outputs;
8. :mod:`gather`: sums of slices and of products become one operation;
9. :mod:`merge`: equal nodes become one (common subexpressions);
10. :mod:`inner`: copies and products leave the axis innermost that is innermost where they are read;
11. :mod:`band`: shifted products that are added up become products with a longer inner axis;
12. :mod:`mask`: indicators stay truth values;
13. :mod:`slab`: what is too large for the cache, or worth more than one thread, is made and used up slab by slab;
14. :mod:`contract`: sums of products are inner products (NumPy only);
15. :mod:`widen`: a row that many short rows meet is repeated (NumPy only);
16. :mod:`batch`: one call for the same function of many parts of one array;
17. :mod:`share`: products with a matrix that a whole batch shares become one product;
18. :mod:`host`: scalars known beforehand become Python floats;
19. :mod:`fuse`: elementwise chains are scheduled together; for the compiled backend :mod:`nest` joins more;
20. :mod:`abreast`: neighbours in the schedule that need nothing of each other are left to several threads;
21. :mod:`layout`, :mod:`places` and :mod:`plan`: every result is a view, or stands in what it is a part of, or gets a
    place in a reused workspace;
22. :mod:`emit`, by the table of :mod:`lines`: one NumPy function, as text; for the compiled backend :mod:`machine`, by
    the tables of :mod:`loops` and :mod:`machine_lines`, in the form of :mod:`writer` and :mod:`calls`. In both
    :mod:`pieces` says how a matrix product is cut.

Passes 1 to 17 map a graph to a graph that computes the same; property tests run both on random inputs. What
:mod:`interleave` and :mod:`upright` move, :mod:`clusters` finds.
"""
