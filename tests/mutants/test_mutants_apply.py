"""The mutants still fit the code; ``python -m tests.mutants`` shows that the tests kill them."""

from __future__ import annotations

import ast
from collections import Counter

import pytest

from tests.mutants.mutants import MUTANTS, ROOT, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_fits_the_code_in_one_place_and_is_python(mutant: Mutant) -> None:
    assert mutant.occurrences() == 1, f"{mutant.file}: the text to replace must occur exactly once"
    assert mutant.old != mutant.new
    ast.parse((ROOT / mutant.file).read_text().replace(mutant.old, mutant.new))
    assert all((ROOT / path).is_file() for path in mutant.tests), mutant.tests


def test_there_is_one_mutant_a_rule_and_enough_of_them() -> None:
    assert max(Counter(mutant.name for mutant in MUTANTS).values()) == 1
    assert len(MUTANTS) >= 25
