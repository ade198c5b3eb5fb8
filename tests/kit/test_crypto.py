from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaiflow.kit import crypto


@given(st.text(), st.text())
def test_what_was_sealed_opens_in_its_place(plain: str, place: str) -> None:
    assert crypto.unseal(crypto.seal(plain, bound_to=place), bound_to=place) == plain


def test_it_opens_nowhere_else_and_never_looks_the_same_twice() -> None:
    sealed = crypto.seal("secret", bound_to="here")
    assert sealed != crypto.seal("secret", bound_to="here")
    with pytest.raises(crypto.CannotUnseal):
        crypto.unseal(sealed, bound_to="there")


def test_one_changed_character_is_noticed() -> None:
    version, key, body = crypto.seal("secret", bound_to="here").split(".")
    changed = body[:20] + ("A" if body[20] != "A" else "B") + body[21:]
    with pytest.raises(crypto.CannotUnseal):
        crypto.unseal(f"{version}.{key}.{changed}", bound_to="here")
