# %% [markdown]
# # Headroom for the month-end
# An estate and a plan as DataFrames: what is there, what moves, and what each server holds before and after.
# Column names carry their units.

# %%
from planner import headroom, load_estate

estate = load_estate("data/landscape")
frames = estate.frames()
{name: len(frame) for name, frame in frames.items()}

# %% [markdown]
# Entitlement and memory of the active LPARs by server, against what the servers have.

# %%
lpars = frames["lpars"]
used = lpars[lpars["state"].fillna("running") == "running"].groupby("server")[["entitlement_cores", "memory_gib"]].sum()
servers = frames["servers"].set_index("name")[["configurable_cores", "configurable_memory_gib"]]
servers.join(used)

# %% [markdown]
# Eight cores and 64 GiB more for the critical LPARs of one server: who leaves, and how long it takes.

# %%
plan = headroom(estate, "SN8379A80_p595-2", cores=8, memory_gib=64)
print(plan.status, f"{plan.objective:.0f} s of cost, {plan.bound:.0f} s proved")
plan.frames()["moves"][["lpar", "source", "target", "wave", "start_s", "duration_s", "suspend_s"]]

# %% [markdown]
# What the servers hold before and after, in cores.

# %%
plan.frames()["servers"].pivot(index="server", columns="moment", values="cores")[["before", "peak", "after"]]
