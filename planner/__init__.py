"""Workload placement and consolidation planner for IBM Power servers.

Data flows one way (see docs/architecture.md)::

    formats -> estate -> reach -> cost -> rules -> goals/optimise -> plan -> schedule -> verify -> report -> cli

A room imports only rooms to its left; ``tests/test_architecture.py`` checks it.
"""

__version__ = "0.1.0"
