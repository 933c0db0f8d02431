"""What products count, by figures worked by hand; and twice, by the rules and by the replay, on anything at random."""

from __future__ import annotations

from random import Random

import pytest
from estates import estate, judged, lpar, policy, pool, server

from planner.estate.licence_counts import licence_cores
from planner.estate.licences import Counting, Licensed, known
from planner.estate.model import Estate, Lpar
from planner.estate.policies import compile_policies
from planner.rules import Site
from planner.verify.licences import cores_counted

CAPPED = {"sharing": "capped"}
NAMES = ("d", "c1", "c2", "u1", "u2", "p1")


def of(*lpars: Lpar, cores: float = 16) -> Estate:
    return estate([server("A", cores)], lpars, pools=(pool("A", 0), pool("A", 1, 4)))


MIXED = of(lpar("d", "A", 2, processors="dedicated", **CAPPED), lpar("c1", "A", 0.3, **CAPPED), lpar("c2", "A", 0.4, **CAPPED),
           lpar("u1", "A", 0.5, virtual_processors=3), lpar("u2", "A", 1, virtual_processors=4, pool_id=1),
           lpar("p1", "A", 0.5, virtual_processors=2, pool_id=1))


def counted(counting: Counting, *names: str, site: Estate = MIXED) -> int:
    return licence_cores(Site(site), Licensed("DB2", counting, frozenset(names)), "A", names)


@pytest.mark.parametrize(("names", "sub", "capped", "full"), [
    ((), 0, 0, 0),
    (("d",), 2, 2, 16),
    (("c1",), 1, 1, 16),
    (("c1", "c2"), 1, 1, 16),  # 0.7 cores together
    (("c1", "u1"), 4, 16, 16),  # 0.3 + 3; uncapped in the default pool: all of the server
    (("u2", "p1"), 4, 4, 16),  # 4 + 2 virtual processors in a pool of 4
    (("d", "c1", "c2", "u2", "p1"), 7, 7, 16),  # 2 + 0.7 + 4
    (NAMES, 10, 16, 16)])  # 2 + 0.7 + 3 + 4
def test_licence_cores_by_hand(names: tuple[str, ...], sub: int, capped: int, full: int) -> None:
    found = tuple(counted(how, *names) for how in (
        Counting.SUB_CAPACITY, Counting.CAPPED_ONLY, Counting.FULL_CAPACITY, Counting.NOT_BY_CORE))
    assert found == (sub, capped, full, 0)


def test_an_lpar_that_is_not_activated_and_one_without_the_product_count_nothing() -> None:
    site = of(lpar("u1", "A", 1, state="not activated"), lpar("u2", "A", 1))
    assert counted(Counting.FULL_CAPACITY, "u1", site=site) == 0
    assert licence_cores(Site(site), Licensed("DB2", Counting.FULL_CAPACITY, frozenset({"u1"})), "A", ["u2"]) == 0


def test_unknown_sharing_counts_as_uncapped() -> None:
    assert counted(Counting.SUB_CAPACITY, "u1", site=of(lpar("u1", "A", 1, virtual_processors=5, sharing=""))) == 5


def test_rules_and_replay_count_alike() -> None:
    rng, differing = Random(13), set()
    for _ in range(400):
        rows = [lpar(f"p{n}", "A", rng.choice((0.2, 0.5, 1, 1.3, 3)), virtual_processors=rng.randint(1, 6),
                     processors="shared" if (shared := rng.random() < 0.8) else "dedicated",
                     sharing=rng.choice(("capped", "uncapped", "")) if shared else "donating",
                     pool_id=rng.choice((None, 0, 1)), state=rng.choice(("running", "running", "not activated")))
                for n in range(rng.randint(1, 5))]
        site = Site(of(*rows, cores=rng.choice((2.5, 6, 16))))
        names = [p.name for p in rows if rng.random() < 0.8]
        one = Licensed("DB2", rng.choice([*Counting]), frozenset(p.name for p in rows if rng.random() < 0.9))
        cores = licence_cores(site, one, "A", names)
        assert cores == cores_counted(site, one, "A", names), (rows, names, one)
        differing.add((one.counting, cores))
    assert len(differing) > 20


@pytest.mark.parametrize(("product", "counting"), [
    ("Oracle", "capped-only"), ("Oracle RAC", "capped-only"), ("DB2", "sub-capacity"), ("WebSphere MQ", "sub-capacity"),
    ("IBM i", "sub-capacity"), ("SAP ECC", "not-by-core"), ("SAP R/3", "not-by-core"), ("AIX", None), ("Oraclet", None)])
def test_what_is_known_of_products(product: str, counting: str | None) -> None:
    found = known(product, frozenset())
    assert (found and found.counting) == counting


RUNS = estate([server("A"), server("B")], [lpar("a1", "A", software=("Oracle 19.3", "SAP ECC 6.0")),
                                           lpar("a2", "A", software=("oracle 12.1",), os="IBM i"), lpar("b1", "B")])


def stated(*rows: tuple[str, str, str]) -> Estate:
    return RUNS.replace(policies=tuple(policy(*row) for row in rows))


def test_products_are_known_by_name_and_a_row_says_otherwise() -> None:
    before, _ = compile_policies(RUNS)
    assert {p: (x.counting.value, x.stated, sorted(x.lpars)) for p, x in before.licensed.items()} == {
        "IBM i": ("sub-capacity", False, ["a2"]), "Oracle": ("capped-only", False, ["a1", "a2"]),
        "SAP ECC": ("not-by-core", False, ["a1"])}
    found, refused = compile_policies(stated(("licence", "Ora*", "full-capacity; 900 EUR"), ("licence", "AIX", "sub-capacity")))
    assert not refused and found.licensed["AIX"].lpars == {"a1", "b1"}
    assert (found.licensed["Oracle"].counting, found.licensed["Oracle"].per_core, found.licensed["Oracle"].unit) == (
        Counting.FULL_CAPACITY, 900, "EUR")


def test_of_two_rows_the_one_that_counts_more_counts_and_both_are_told() -> None:
    found, _ = compile_policies(stated(("licence", "Oracle", "sub-capacity"), ("licence", "oracle", "full-capacity")))
    assert found.licensed["Oracle"].counting is Counting.FULL_CAPACITY and len(found.contradictions) == 1


@pytest.mark.parametrize(("kind", "subject", "value", "said"), [
    ("licence", "Oracle", "per-socket", "'per-socket' is none of sub-capacity, capped-only, full-capacity, not-by-core"),
    ("licence", "Oracle", "sub-capacity; PVU", "'PVU' is not a number"),
    ("licence", "Oracle", "sub-capacity; 0 PVU", "is not a whole number and a unit"),
    ("licence", "Informix", "sub-capacity", "matches nothing that runs in an LPAR"),
    ("licensed-servers", "Oracle", "", "names neither servers nor how many"),
    ("licensed-servers", "Oracle", "Z", "'Z' matches no server"),
    ("licensed-servers", "Oracle", "1.5 cores", "is no whole number of cores"),
    ("licensed-servers", "SAP*", "4 cores", "not every product that it names is counted by the core")])
def test_a_row_that_says_nothing_is_refused(kind: str, subject: str, value: str, said: str) -> None:
    _, refused = compile_policies(stated((kind, subject, value)))
    assert len(refused) == 1 and said in refused[0].reason


def test_a_ceiling_says_servers_and_counts_at_once() -> None:
    found, refused = compile_policies(stated(("licensed-servers", "Oracle", "A; B; 2 servers; 24 cores")))
    ceiling, = found.licence_ceilings
    assert not refused and ceiling.servers == {"A", "B"} and (ceiling.most_servers, ceiling.most_cores) == (2, 24)
    assert not judged(stated(("licensed-servers", "SAP*", "1 server")))[1].groups({"a1": ("A",)}, end=True)
