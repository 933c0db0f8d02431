"""Sources of usage as sites export them, written by the tests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from planner.estate.model import Estate, Lpar, Server, Vios
from planner.formats import registry
from planner.formats.open import Document
from planner.formats.samples import Kind, Sample
from planner.history.calendar import BUCKETS, Bucket
from planner.history.profiles import BucketSum, Profiles, at_percentile
from planner.history.store import Columns

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def nmon_text(lpar: str, samples: Sequence[tuple[datetime, float]], *, serial: str = "2106A1B2C", memory: int = 8192,
              interval: int = 300) -> str:
    """A recording of (local end of the interval, cores used); a quarter of the memory is computational."""
    lines = ["AAA,progname,topas_nmon", f"AAA,host,{lpar}", f"AAA,interval,{interval}", f"AAA,SerialNumber,{serial}",
             f"AAA,LPARNumberName,4,{lpar}", "BBBL,14,Entitled Capacity,0.5",
             "MEM,Memory x,Real Free %,Virtual free %,Real free(MB),Virtual free(MB),Real total(MB),Virtual total(MB)",
             "MEMNEW,Memory New x,Process%,FScache%,System%,Free%,Pinned%,User%",
             "LPAR,Logical Partition x,PhysicalCPU,virtualCPUs,entitled"]
    for number, (at, cores) in enumerate(samples, 1):
        lines += [f"ZZZZ,T{number:04d},{at:%H:%M:%S},{at.day:02d}-{_MONTHS[at.month - 1]}-{at.year}",
                  f"MEM,T{number:04d},10.0,99.0,{memory / 10:.1f},4000.0,{memory:.1f},4096.0",
                  f"MEMNEW,T{number:04d},20.0,65.0,5.0,10.0,10.0,60.0",
                  f"LPAR,T{number:04d},{cores:.3f},8,0.50"]
    return "\n".join(lines) + "\n"


def lslparutil_text(rows: Iterable[tuple[datetime, str, int, int]], system: str = "Harbour") -> str:
    """``lslparutil -r lpar`` of (local time, LPAR, time cycles, capped cycles)."""
    lines = [f"hmc7:~> lslparutil -r lpar -m {system}"]
    lines += [f"time={at:%m/%d/%Y %H:%M:%S},event_type=sample,resource_type=lpar,time_cycles={passed},lpar_name={lpar},"
              f"lpar_id=4,curr_proc_mode=shared,curr_proc_units=0.75,curr_procs=4,curr_sharing_mode=uncap,"
              f"curr_mem=8192,entitled_cycles=1,capped_cycles={used},uncapped_cycles=0"
              for at, lpar, passed, used in rows]
    return "\n".join(lines) + "\n"


def pcm_part(name: str, capped: Any, uncapped: Any, utilized: Any, *, mode: str = "uncap",
             state: str = "Running") -> dict[str, Any]:
    """A partition in PCM metrics, with what both LPARs and VIOSes state of memory."""
    return {"id": 7, "uuid": "3D2F0000-0000-4000-8000-000000000007", "name": name, "state": state,
            "memory": {"logicalMem": [8192], "backedPhysicalMem": [8192], "assignedMem": [4096], "utilizedMem": [512]},
            "processor": {"poolId": 0, "weight": 64, "mode": mode, "maxVirtualProcessors": [4],
                          "entitledProcUnits": [1], "utilizedProcUnits": [utilized],
                          "utilizedCappedProcUnits": [capped], "utilizedUncappedProcUnits": [uncapped]}}


def pcm_system() -> dict[str, Any]:
    """What a sample of a managed system says of the server and its pools."""
    return {"serverUtil": {
        "processor": {"totalProcUnits": [16], "utilizedProcUnits": [3.125], "availableProcUnits": [2],
                      "configurableProcUnits": [16]},
        "memory": {"totalMem": [524288], "availableMem": [131072], "configurableMem": [524288]},
        "physicalProcessorPool": {"assignedProcUnits": [16], "utilizedProcUnits": [2.75]},
        "sharedProcessorPool": [
            {"id": 0, "name": "DefaultPool", "utilizedProcUnits": [2.25], "configuredProcUnits": [9]},
            {"id": 1, "name": "licences", "utilizedProcUnits": [0.5]}]}}


def pcm_metrics(samples: Iterable[tuple[str, dict[str, Any]]], *, frequency: int = 30,
                order: Sequence[str] = ("AVG",), status: int = 0) -> dict[str, Any]:
    """ProcessedMetrics or AggregatedMetrics of (time, what is in the sample)."""
    errors = [{"errId": "4002", "errMsg": "vio2 is not running"}] if status else []
    return {"systemUtil": {"utilInfo": {
        "version": "1.3.0", "metricType": "Processed", "frequency": frequency, "mtms": "8286-42A*06AAAB1",
        "name": "harbour", "metricArrayOrder": list(order)}, "utilSamples": [
            {"sampleInfo": {"timeStamp": at, "status": status, "errorInfo": errors}, **parts}
            for at, parts in samples]}}


def pcm_cycles(at: str, passed: float, parts: Iterable[tuple[str, int, int]]) -> dict[str, Any]:
    """One reading of the long-term monitor: (partition, capped cycles, uncapped cycles)."""
    return {"systemUtil": {
        "utilInfo": {"metricType": "Raw", "monitoringType": "LTM", "mtms": "8286-42A*06AAAB1", "name": "harbour"},
        "utilSample": {"timeStamp": at, "status": 0, "timeBasedCycles": passed, "sharedProcessorPool": [
            {"id": 0, "name": "DefaultPool", "utilizedPoolCycles": 12_345}], "lparsUtil": [
                {"id": "7", "name": name, "memory": {"logicalMem": 8192, "backedPhysicalMem": 8192},
                 "processor": {"mode": "uncap", "utilizedCappedProcCycles": capped,
                               "utilizedUnCappedProcCycles": uncapped}} for name, capped, uncapped in parts]}}}


def source(text: str, name: str = "a.txt") -> Document:
    """A text as the file that it would have been read from."""
    import hashlib

    data = text.encode()
    return Document(name, hashlib.sha256(data).hexdigest(), tuple(registry.read_document(data, name)))


def write(directory: Path, name: str, text: str) -> Path:
    path = directory / name
    path.write_text(text, encoding="utf-8")
    return path


def columns(rows: Sequence[tuple[str, int, int]], *, span: int = 300, server: str = "s1",
            memory: int = 1000) -> Columns:
    """Rows of (LPAR, end in UTC seconds, thousandths of a core)."""
    count = len(rows)
    return Columns("sample", [(Kind.LPAR.value, name, server) for name, _, _ in rows], {
        "t": [end for _, end, _ in rows], "span": [span] * count, "physc": [used for _, _, used in rows],
        "ent": [50] * count, "mem_used": [memory] * count, "mem_total": [4096] * count})


def bucket_sums(found: Profiles, lpars: Iterable[str], what: str = "physc") -> dict[Bucket, BucketSum]:
    """For each bucket what these LPARs use together. ``what``: ``physc`` (thousandths) or ``memory`` (MiB).

    A bucket without any slot in the period has the sum of the singles.
    """
    names = sorted(set(lpars))
    figures = found.grid.physc if what == "physc" else found.grid.memory_mib
    total = np.zeros(len(found.grid.starts), dtype=np.int64)
    for name in names:
        total += found.series(name, what)
    holes = (figures[[found.grid.names.index(name) for name in names]] < 0).sum(axis=0)
    sums = {}
    for bucket in BUCKETS:
        profiles = [found.by_lpar[name] for name in names]
        singles = sum((one.physc if what == "physc" else one.memory_mib)[bucket] for one in profiles)
        listed = found.columns.get(bucket)
        if listed is None:
            sums[bucket] = BucketSum(singles, singles, 0, 0)
        else:
            sums[bucket] = BucketSum(at_percentile(total[listed], found.percentile), singles, len(listed),
                                     int(holes[listed].sum()))
    return sums


def pcm_site(estate: Estate, seed: int, count: int = 4) -> tuple[dict[str, Any], list[Sample]]:
    """What a console's PCM says of a site: file name → ProcessedMetrics of the systems (VIOSes, pools, servers) and of
    each LPAR, every 30 s from 2026-01-10 11:00 UTC; and the samples that a history is to have of it."""
    rng = Random(seed)
    start = 1_768_042_800
    times = [(start + 30 * n, datetime.fromtimestamp(start + 30 * n, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000"))
             for n in range(count)]
    files: dict[str, Any] = {}
    expected: list[Sample] = []

    def part(p: Lpar | Vios, at: int, memory: tuple[str, str]) -> dict[str, Any]:
        alone = (p.sharing if isinstance(p, Vios) else p.processors) == "dedicated"
        used = [rng.randrange(2000), rng.randrange(2000)]
        idle = rng.randrange(1 + sum(used) // 2)
        expected.append(Sample(Kind.LPAR, p.name, p.server, at, 30, sum(used) - (idle if alone else 0),
                               p.entitlement_units, p.memory_mib // 2, p.memory_mib))
        return {"id": p.lpar_id, "name": p.name, "state": "Running", "uuid": f"{p.lpar_id:032x}",
                "memory": {memory[0]: [p.memory_mib // 2], memory[1]: [p.memory_mib]},
                "processor": {"mode": "keep_idle_procs" if alone else "uncap", "poolId": 0,
                              "entitledProcUnits": [p.entitlement_units / 100],
                              "utilizedProcUnits": [(sum(used) - idle) / 1000],
                              "utilizedCappedProcUnits": [used[0] / 1000],
                              "utilizedUncappedProcUnits": [used[1] / 1000]}}

    def put(server: Server, name: str, samples: list[tuple[str, dict[str, Any]]]) -> None:
        metrics = pcm_metrics(samples)
        metrics["systemUtil"]["utilInfo"] |= {"name": server.name, "mtms": f"{server.model}*{server.serial}"}
        files[f"{name}_20260110T110000+0000_20260110T110200+0000_30.json"] = metrics

    for number, s in enumerate(estate.servers):
        put(s, f"ManagedSystem_{number}", [(shown, {"viosUtil": [
            part(v, at, ("utilizedMem", "assignedMem")) for v in estate.vioses if v.server == s.name]})
            for at, shown in times])
        for p in (p for p in estate.lpars if p.server == s.name):
            put(s, f"LogicalPartition_{number}_{p.lpar_id}", [(shown, {"lparsUtil": [
                part(p, at, ("backedPhysicalMem", "logicalMem"))]}) for at, shown in times])
    return files, expected
