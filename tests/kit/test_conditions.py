"""Conditional requests, corner by corner (RFC 9110, sections 8.8.3 and 13.1)."""

from __future__ import annotations

import pytest

from scaiflow.kit.conditions import Conditions

ETAG = '"7"'


@pytest.mark.parametrize("header", ['"7"', "*", ' "6" , "7"', '"a,b", "7"', ',,"7",', '"6"\t,"7"'])
def test_if_match_lets_through_what_names_the_state(header: str) -> None:
    assert not Conditions(if_match=header).misses(ETAG)


@pytest.mark.parametrize(
    "header", ['W/"7"', '"6"', '"6", W/"7"', "7", "", '"7', '*, "7"', '"*"', '"7" "7"', '"7"x', '"a,"7",b"', 'w/"7"']
)
def test_if_match_refuses_everything_else(header: str) -> None:
    assert Conditions(if_match=header).misses(ETAG)


@pytest.mark.parametrize("header", ['"7"', 'W/"7"', "*", '"6", W/"7"', " * "])
def test_if_none_match_knows_the_state_also_by_a_weak_tag(header: str) -> None:
    assert Conditions(if_none_match=header).knows(ETAG)


@pytest.mark.parametrize("header", ['"6"', 'W/"6"', "7", "", '"*"', '"7', '*, "6"'])
def test_if_none_match_knows_nothing_else(header: str) -> None:
    assert not Conditions(if_none_match=header).knows(ETAG)


def test_who_asks_for_nothing_is_not_held_up() -> None:
    assert not Conditions().misses(ETAG)
    assert not Conditions().knows(ETAG)


def test_a_long_list_is_read_in_no_time() -> None:
    assert Conditions(if_match=", ".join(['"6"'] * 10_000 + ['"7"'])).misses(ETAG) is False
    assert Conditions(if_match='"6",' * 10_000 + " x").misses(ETAG)
