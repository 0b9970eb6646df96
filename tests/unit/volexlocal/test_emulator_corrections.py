"""What AWS takes as a partial-batch response."""

from typing import Any

import pytest

from volexlocal.emulator import is_well_formed


@pytest.mark.parametrize(
    ("answer", "well_formed"),
    [
        (None, True),
        ({}, True),
        ({"batchItemFailures": None}, True),
        ({"batchItemFailures": []}, True),
        ({"batchItemFailures": [{"itemIdentifier": "a"}]}, True),
        ({"batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "b"}]}, True),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, False),
        ({"batchItemFailures": [{"itemIdentifier": None}]}, False),
        ({"batchItemFailures": [{"itemIdentifier": "stranger"}]}, False),
        ({"batchItemFailures": [{"messageId": "a"}]}, False),
        ({"batchItemFailures": ["a"]}, False),
        ({"batchItemFailures": "a"}, False),
        ("done", False),
        ([], False),
    ],
)
def test_only_a_well_formed_answer_is_a_success(answer: Any, well_formed: bool) -> None:
    assert is_well_formed(answer, {"a", "b"}) is well_formed
