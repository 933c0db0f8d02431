"""The integer programs that answer the questions.

Base: ``program`` (variables, rows with their tags), ``solver`` (the one module that knows a solver), ``placement``
(who ends where), ``stages`` (narrow, wide, balanced), ``conflict`` (why not). One module a question: ``evacuate``,
``headroom``, ``consolidation``, ``scenario``, ``frontier``. ``large``: sites too large for one program;
``heuristics``: placements without proof, for when the solver finds none in its time.
"""
