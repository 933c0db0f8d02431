"""Which exports show what each rule looks at; a test holds that none is left out. Sheets are those of the workbook."""

SIZES = ("`lshwres -r proc`, `-r mem` (`--level sys`, `lpar`); REST ManagedSystem, LogicalPartition; HMC Scanner; "
         "`lparstat -i`")
LPAR = "`lssyscfg -r lpar`; REST LogicalPartition; HMC Scanner"
PROFILE = "`lssyscfg -r prof`; REST LogicalPartition"
SYSTEM = "`lssyscfg -r sys`; REST ManagedSystem"
POOL_MEMORY = "`lshwres -r mempool`; `lshwres -r mem --level lpar` (curr_io_entitled_mem); `lparstat -i`"
POOL = "`lshwres -r procpool`; REST SharedProcessorPool"
VLAN = "`lshwres -r virtualio --rsubtype eth`; `entstat -all`; REST ClientNetworkAdapter, VirtualIOServer"
DISK = "`lsmap -all`; `lspv`; `lsdev -dev hdiskN -attr`; `lshwres -r virtualio --rsubtype scsi`; REST VirtualIOServer"
FIBRE = "`lsmap -all -npiv`; `lsnports`; `lshwres -r virtualio --rsubtype fc`; REST VirtualIOServer"
SLOTS = ("`lshwres -r virtualio --rsubtype slot`, `scsi`, `fc`, `eth` (`--level lpar`); `lssyscfg -r prof`; REST "
         "VirtualIOServer; sheet VIOS (Max virtual slots)")
VIOS = "`lssyscfg -r lpar`; `ioslevel`; REST VirtualIOServer"
MOVES = "`lslparmigr -r sys`; REST ManagedSystem; `lsdev -dev vioslpm0 -attr`"
LEVEL = "`lshmc -V`"
VNIC = "`lshwres -r virtualio --rsubtype vnic`; `lshwres -r sriov`; `lssyscfg -r prof`; REST LogicalPartition; workbook"
SRIOV = ("`lshwres -r sriov --rsubtype physport`, `logport`; `lshwres -r virtualio --rsubtype vnic`; sheets SR-IOV "
         "ports and LPARs (vNIC backing)")
HISTORY = "nmon, njmon, `lparstat` intervals, `lslparutil`, PCM (planner history add)"
STATED = "a person: sheet Policies"

FAMILIES = {"policy": STATED, "software": "`lparstat -i`; `lssyscfg -r lpar` (os_version); sheet LPARs (Software)",
            "timing": f"the plan itself; {MOVES}", "availability": SIZES}
"""Where all rules of a family look at the same."""
SHOWN = {
    "memory.capacity": SIZES,
    "memory.fits": SIZES,
    "memory.huge-pages": "`lshwres -r mem --level lpar`; REST LogicalPartition",
    "memory.huge-pages-there": "`lshwres -r mem --level sys` (curr_avail_num_sys_huge_pages); `lssyscfg -r prof`",
    "memory.lmb": "`lshwres -r mem --level sys` (mem_region_size); REST ManagedSystem",
    "memory.shared": "`lshwres -r mempool`; sheet VIOS (Paging devices)",
    "network.known": f"{VLAN}; {VNIC}", "network.redundancy": VLAN,
    "network.vlan": VLAN,
    "network.switch-mode": "`lshwres -r virtualio --rsubtype vswitch`; REST VirtualSwitch; sheet VLANs (Switch mode)",
    "memory.pool": POOL_MEMORY, "memory.pool-paging": POOL_MEMORY,
    "memory.paging-devices": "`lshwres -r mempool`; sheet VIOS (Paging devices)",
    "network.vnic": f"{VNIC}; {LEVEL}; `ioslevel`", "network.vnic-ports": VNIC, "network.vnic-slots": VNIC,
    "network.vnic-failover": VNIC,
    "network.vnic-capacity": SRIOV, "network.vnic-fit": SRIOV,
    "partition.activated-once": f"{LPAR} (last_activated_profile, curr_profile); sheet LPARs (Never activated)",
    "partition.hardware-left": "`lshwres -r io --rsubtype slot`; `lshwres -r mem --level lpar`; `lssyscfg -r prof`",
    "partition.bsr": PROFILE, "partition.capability":
    f"{SYSTEM}; {LPAR}; `lssyscfg -r prof` (ppt_ratio); sheet LPARs (Secure boot, Persistent memory)",
    "partition.client": LPAR, "partition.error-path": LPAR, "partition.ibm-i": f"{SYSTEM}; `lslic -t sys`; {LEVEL}",
    "partition.id-free": LPAR, "partition.lhea": PROFILE,
    "partition.migratable-sriov": f"`lshwres -r sriov --rsubtype logport` (migratable); `lslic -t sys`; {LEVEL}",
    "partition.migration-disabled": LPAR, "partition.name-free": LPAR,
    "partition.physical-io": "`lshwres -r io --rsubtype slot`; `lssyscfg -r prof`; REST ManagedSystem",
    "partition.restricted-io": "`lssyscfg -r lpar` (os400_restricted_io_mode)",
    "partition.rmc": LPAR + "; `lspartition -dlpar`",
    "partition.running": LPAR, "partition.size-known": SIZES,
    "partition.sriov": "`lshwres -r sriov --rsubtype logport`; `lssyscfg -r prof`; REST LogicalPartition",
    "partition.vtpm": f"{LPAR}; sheet Servers (Trusted system key)", "partition.workload-group": LPAR,
    "processor.capacity": SIZES, "processor.fits": SIZES, "processor.minimum-per-vp": SIZES,
    "processor.mode": f"{LPAR}; {SYSTEM} (lpar_proc_compat_modes); `lslic -t sys`", "processor.preferred-mode": LPAR,
    "processor.os-mode": f"{LPAR} (os_version); {SYSTEM}", "processor.pool": POOL, "processor.pool-kept": POOL,
    "processor.pool-known": POOL, "processor.pool-usage": HISTORY, "processor.usage": HISTORY,
    "server.operating": "`lssyscfg -r sys` (state); REST (State); HMC Scanner (Status); sheet Servers (State)",
    "server.source-operating": "`lssyscfg -r sys` (state); REST (State); HMC Scanner (Status); sheet Servers (State)",
    "server.console-firmware": f"{LEVEL}; `lslic -t sys`; REST ManagedSystem; --firmware-after",
    "server.console": "the host of `lssyscfg -r sys`; sheet Servers (Console)",
    "server.dpo": "sheet Servers (DPO running)",
    "server.enterprise": SYSTEM, "server.firmware": "`lslic -t sys`; REST ManagedSystem; HMC Scanner",
    **dict.fromkeys(("server.inactive-migrations", "server.migrations"), MOVES),
    "timing.levels": f"the plan itself; {LEVEL}; `ioslevel`",
    "server.mover": VIOS,
    "server.site": "sheet Servers (Site)",
    "server.sizes-known": SIZES,
    "server.vios-level": VIOS, "server.vios-rmc": VIOS,
    "storage.cluster": f"{DISK}; `cluster -list`, `cluster -status`, `lssp -clustername`",
    "storage.device-names": DISK, "storage.fabric": FIBRE,
    "storage.lun-seen": DISK, "storage.no-optical": f"{DISK}; `ioslevel`; {LEVEL}", "storage.npiv-mapping": FIBRE,
    "storage.npiv-ports": FIBRE, "storage.slots": SLOTS, "storage.virtual-slots": SLOTS,
    "storage.optical-there": f"{DISK}; `ioslevel`",
    "storage.path-known": f"{DISK}; {FIBRE}",
    "storage.redundancy": f"{DISK}; {FIBRE}", "storage.reserve-here": DISK, "storage.reserve-there": DISK,
    "storage.whole-lun": DISK,
    "storage.wwpn-pair": "no export: `lsnportlogin` after `chnportlogin -o login`; sheet NPIV",
}


def shown_by(rule: str) -> str:
    """The exports that show a rule's facts; "" for a rule that nobody entered."""
    return SHOWN.get(rule) or FAMILIES.get(rule.split(".")[0], "")
