"""The integer programs that answer the goals. Only :mod:`planner.optimise.solver` knows a solver."""
