"""Words with few values, for questions, plans and the command line. Nothing heavy is imported here (start-up)."""

from __future__ import annotations

from enum import StrEnum

OUT, BACK = "out", "back"


class Status(StrEnum):
    """What is proved. ``feasible``: a plan with a bound; ``unknown``: no answer in time. Never one for another."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"
    UNKNOWN = "unknown"


class Measure(StrEnum):
    """What of the servers that stay on is made least."""

    WATTS = "watts"
    """idle watts of the servers, and for each core in use those of a busy core there, to a tenth of a watt"""
    SERVERS = "servers"
    CORES = "cores"
    """configurable cores, where licences follow the server"""
    LICENCES = "licences"
    """licence cores of all products that are licensed by the core, wherever they run"""
    METERED = "metered"
    """core-minutes that enterprise pools meter above their base cores, by a usage history"""


class By(StrEnum):
    """How cores are counted as free."""

    BOTH = "both"
    """neither entitled to anyone nor, in any slot of the history, used by anyone"""
    ENTITLEMENT = "entitlement"
    """entitled to nobody: what an LPAR can be given by DLPAR, guaranteed"""
    USAGE = "usage"
    """used by nobody in any slot of the history: what an uncapped LPAR can draw"""
