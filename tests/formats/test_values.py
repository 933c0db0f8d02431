"""What written values mean: exact both ways, and nothing that can hang or overflow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.formats import values
from planner.formats.base import NonValue

PARSERS = (values.bit, values.counter, values.decimal_from, values.decimal_number, values.flag, values.gib,
           values.hundredths, values.integral, values.memory, values.mib, values.mib_floor, values.number,
           values.partition_id, values.percent, values.processors, values.time, values.units, values.units_from_cores,
           values.used_cores, values.vlan_id, values.whole, values.whole_number, values.whole_or_any, values.yes_no)
MACHINE = tuple(parse for parse in PARSERS if parse not in (
    values.decimal_from, values.whole_number, values.units_from_cores, values.time, values.yes_no))
ODD = ("inf", "-inf", "nan", "1e999999999", "1e-999999999", "9" * 5000, "0." + "0" * 5000 + "1", "1_0", "\u0661", "²",
       "0x" + "f" * 500, "--1", "1,2,3", "1.2.3", ".", ",", "+", "99999-99-99 99:99", "2026-02-30", "NaN GB", "\x00")


def shown_cores(units: int) -> str:
    return f"{units // 100}.{units % 100:02d}"


@given(st.integers(0, values.MOST_UNITS))
def test_cores_come_back_exactly(units: int) -> None:
    assert values.units(shown_cores(units)) == values.units_from_cores(units / 100) == units
    assert values.units_from_cores(shown_cores(units).replace(".", ",")) == units
    assert values.hundredths(str(units)) == units


@given(st.integers(0, values.MOST_UNITS))
def test_what_single_precision_loses_is_forgiven_and_a_finer_figure_is_not(units: int) -> None:
    import numpy as np

    assert values.units(format(Decimal(float(np.float32(units / 100))), ".15f"), exact=False) == units
    with pytest.raises(ValueError, match="finer than a hundredth"):
        values.units(f"{shown_cores(units)}5")
    with pytest.raises(ValueError, match="finer than a hundredth"):
        values.units_from_cores(f"{shown_cores(units)}5")


@given(st.integers(0, values.MOST_MIB))
def test_memory_comes_back_exactly_in_every_unit(mib: int) -> None:
    assert values.mib(str(mib)) == values.mib(f"{mib}.00") == values.memory(f"{mib} MB") == mib
    assert values.memory(f"{mib * 1024}kB") == values.memory(f"{mib * 1024 + 1023} KB") == mib
    assert values.gib(format(Decimal(mib) / 1024, "f")) == values.mib_from_gib(mib / 1024) == mib


@given(st.integers(0, values.MOST_COUNT))
def test_whole_numbers_keep_their_limits(number: int) -> None:
    assert values.counter(str(number)) == values.integral(f"{number}") if number < 10**15 else True
    if number <= values.MOST_WHOLE:
        assert values.whole(str(number)) == number
    else:
        with pytest.raises(ValueError, match="31 bits"):
            values.whole(str(number))


@pytest.mark.parametrize("parse", MACHINE)
@pytest.mark.parametrize("text", ["-1", "-0.5", "1,5", "+1", " 1", "1 ", "", "a", *ODD])
def test_a_machine_writes_no_sign_no_comma_and_no_blank(parse: Callable[[str], Any], text: str) -> None:
    if parse is values.partition_id and not text:
        return
    with pytest.raises(ValueError):
        parse(text)


@given(st.sampled_from(PARSERS), st.one_of(st.text(max_size=60), st.sampled_from(ODD), st.from_regex(
    r"[0-9.,eE+\-xX/: ]{1,60}", fullmatch=True)))
def test_no_text_raises_anything_else_or_gives_a_number_out_of_range(parse: Callable[[str], Any], text: str) -> None:
    try:
        found = parse(text)
    except ValueError as error:
        assert len(str(error)) < 400
    else:
        assert not isinstance(found, int | float | Decimal) or abs(found) < 10**22


@given(st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31)).map(lambda t: t.replace(microsecond=0)))
def test_each_console_writes_the_same_time_in_its_own_way(moment: datetime) -> None:
    month = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"][moment.month - 1]
    clock = moment.strftime("%H:%M:%S")
    for text in (f"{moment.month:02}/{moment.day:02}/{moment.year} {clock}", f"{moment.isoformat()}",
                 f"{moment.day:02}-{month}-{moment.year} {clock}", f"{moment.year}/{moment.month}/{moment.day} {clock}"):
        assert values.time(text) == moment
    assert values.time(f"{moment.date()} {moment.hour}") == moment.replace(minute=0, second=0)
    offset = values.time(f"{moment.date()} {clock}+02:00").utcoffset()
    assert offset is not None and offset.total_seconds() == 7200


@pytest.mark.parametrize("word", ["", "-", "none", "None", "null", "N/A", "unavailable", "Not Available", " - "])
def test_a_non_value_is_known_in_any_case(word: str) -> None:
    assert isinstance(values.non_value(word), NonValue)


@given(st.lists(st.text(max_size=8).map(str.strip).filter(bool), max_size=4))
def test_a_persons_list_comes_back(parts: list[str]) -> None:
    assert values.split_list(values.join_list(parts)) == tuple(parts)


def test_places_name_a_system() -> None:
    assert values.mtms("8205-E6B*1234567") == ("8205", "E6B", "1234567") and values.mtms("8205-E6B") is None
    place = values.location("U9117.MMD.1045EE7-V2-C31")
    assert place == ("9117-MMD", "1045EE7", 2, 31) and values.location(NonValue.EMPTY) is None


@pytest.mark.parametrize("text", ["1,024", "12,345", "-3,500", " 999,000 ", "1,024,000", "1,024.5"])
def test_a_comma_that_may_part_thousands_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"without a comma|not a number"):
        values.decimal_from(text)


@pytest.mark.parametrize(("text", "number"), [("4,00", "4.00"), ("0,125", "0.125"), ("1,5", "1.5"), ("1024,250", "1024.250")])
def test_a_comma_that_can_only_be_decimal_is_read(text: str, number: str) -> None:
    assert values.decimal_from(text) == Decimal(number)


@pytest.mark.parametrize("parse", [values.units_from_cores, values.mib_from_gib, values.whole_number, values.memory,
                                   values.whole, values.units, values.gib, values.mib])
def test_four_hundred_digits_are_refused_everywhere(parse: Callable[[str], int]) -> None:
    for text in ("9" * 400, "9" * 5000, "1e4000"):
        with pytest.raises(ValueError):
            parse(text)
