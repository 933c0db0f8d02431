"""Messages of the HMC and of migration checks: codes, headings, blocks of the VIOS, other languages."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.findings import Severity
from planner.formats import hmc_cli
from planner.formats.base import Reading

FIXTURES = Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "hmc"
CHECK = {
    "managed_system": "Harbour-9117-MMB-SN06A1B2C", "target_system": "Quarry-8233-E8B-SN10D4E5F", "operation": "v",
    "lpar_names": ("ledger1",),
}


def read(text: str) -> Reading:
    return hmc_cli.read(text, "hmc.txt")


def said(reading: Reading) -> list[tuple[str, str, int]]:
    return [(f.rule, f.severity.value, f.source.line) for f in reading.findings if f.source and f.source.line]


def test_a_partition_that_does_not_answer_is_named() -> None:
    text = ("The management console cannot communicate with partition tidal db.  Either the network connection is not"
            " available or the partition does not have the software.")
    reading = read(f"HSCLA246 {text}\n")
    assert [(record.kind, record.fields) for record in reading.records] == [
        ("hmc-message", {"code": "HSCLA246", "text": text, "lpar_name": "tidal db", "details": (),
                         "vios_detailed_error": ()})
    ]
    assert said(reading) == [("input.error-text", "warning", 1)]
    assert reading.findings[0].subject == "HSCLA246"


def test_a_check_of_a_move_with_warnings_errors_and_a_block_of_the_vios() -> None:
    reading = read((FIXTURES / "migrlpar_validate.txt").read_text(encoding="utf-8"))
    assert [(record.source.line, record.fields) for record in reading.records] == [
        (3, {"code": "HSCLA340",
             "text": "The management console may not be able to replicate the source multipath I/O configuration on"
                     " the destination managed system.",
             **CHECK, "severity": "warning", "details": (), "vios_detailed_error": ()}),
        (6, {"code": "HSCLA319",
             "text": "The migrating partition's virtual Fibre Channel client adapter 33 cannot be hosted by the"
                     " existing Virtual I/O Server (VIOS) partitions on the destination managed system.",
             **CHECK, "severity": "error", "details": ("Details:",), "vios_detailed_error": ()}),
        (8, {"code": "HSCLA29A", "text": "The RMC command issued to partition vios-q1 failed.", **CHECK,
             "severity": "error",
             "details": ("The OS command return code is:", "69", "The search ended."),
             "vios_detailed_error": (
                 "Client Target WWPNs: 500507aa00000001", "name=not a record,lpar_id=4",
                 "The adapter is not zoned to the same target ports as the source.",
             )}),
    ]
    assert said(reading) == [("input.error-text", "warning", line) for line in (3, 6, 8)]


def test_polish_messages_keep_their_code_and_are_reported() -> None:
    reading = read((FIXTURES / "polish.txt").read_text(encoding="utf-8"))
    assert [record.fields for record in reading.records] == [
        {"code": "HSCLA4C0", "text": "System zarządzany nie obsługuje adapterów wirtualnych Fibre Channel.",
         "managed_system": "Stocznia", "details": (), "vios_detailed_error": ()}
    ]
    assert said(reading) == [
        ("input.error-text", "warning", 2), ("input.error-text", "info", 4), ("input.error-text", "warning", 6)]


@pytest.mark.parametrize(
    "sentence",
    ["Wprowadzono niepoprawny atrybut. Popraw go.", "Es wurden keine Ergebnisse gefunden.",
     "Aucun résultat n'a été trouvé.", "An invalid parameter value was entered.  Please check it."],
)
def test_sentences_in_any_language_are_reported(sentence: str) -> None:
    reading = read(f"hmc:~> lssyscfg -r lpar -m H\n{sentence}\n")
    assert (reading.records, said(reading)) == ((), [("input.error-text", "warning", 2)])
    assert sentence in reading.findings[0].message


def test_nothing_found_is_a_note_that_names_the_command() -> None:
    reading = read("hmc:~> lslparmigr -r virtualio -m H -t Q\nNo results were found.\n")
    assert [(f.severity, f.message) for f in reading.findings] == [
        (Severity.INFO, "lslparmigr in line 1 found nothing to list: No results were found.")]


def test_records_go_on_after_a_message() -> None:
    reading = read(
        "HSCL0000 Something failed.\nfurther words\nlpar_name=a,lpar_id=4,curr_mem=4096,run_mem=4096\n"
        "HSCL0001 Something else failed.\nname,lpar_id,lpar_env\nledger1,4,aixlinux\nHSCL0002 And this.\n"
        "tidal,5,aixlinux\n"
    )
    assert [(r.kind, r.source.line) for r in reading.records] == [
        ("hmc-message", 1), ("hmc-lshwres-mem-lpar", 3), ("hmc-message", 4), ("hmc-lssyscfg-lpar", 6),
        ("hmc-message", 7), ("hmc-lssyscfg-lpar", 8),
    ]
    assert reading.records[0].fields["details"] == ("further words",)


def test_values_without_names_are_not_lost_in_a_message() -> None:
    reading = read("HSCL0000 Something failed.\nledger1,4,aixlinux,Running\n")
    assert said(reading) == [("input.error-text", "warning", 1), ("input.no-header", "warning", 2)]


def test_a_message_without_code_below_a_heading() -> None:
    reading = read("Errors:\nThe partition is not ready\nsecond line\n")
    assert [record.fields for record in reading.records] == [
        {"code": "", "text": "The partition is not ready", "severity": "error", "details": ("second line",),
         "vios_detailed_error": ()}
    ]


def test_a_block_of_the_vios_without_end_is_reported() -> None:
    reading = read("VIOS_DETAILED_ERROR\nno path to the LUN\n")
    assert [record.fields["vios_detailed_error"] for record in reading.records] == [("no path to the LUN",)]
    assert said(reading) == [("input.error-text", "warning", 1), ("input.truncated", "warning", 1)]


def test_errors_of_the_volume_manager_are_messages_too() -> None:
    reading = read("hmc:~> migrlpar -o v -m H -t Q --id 5\n0516-404 allocp: no space\n")
    assert [record.fields for record in reading.records] == [
        {"code": "0516-404", "text": "allocp: no space", "managed_system": "H", "target_system": "Q",
         "operation": "v", "lpar_ids": (5,), "details": (), "vios_detailed_error": ()}
    ]
