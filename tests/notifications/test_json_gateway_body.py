"""JSON bodies: whatever a message holds arrives as it was, in its own place, and the rest waits for the call."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.channels import json_gateway_body as body


@given(st.text(), st.text(), st.lists(st.text(), max_size=4))
def test_whatever_a_message_holds_arrives_as_it_was(text: str, phone: str, values: list[str]) -> None:
    given_values = {"text": text, "phone": phone, "values": values, "out_id": "o"}
    structure = {"a": ["{{ text }}", {"b": "{{ phone }}"}], "c": "{{ values }}", "d": "{{ call_id }}", "e": "x"}
    frozen = json.loads(json.dumps(body.early(structure, given_values)))
    filled = body.late(structure, frozen, {"call_id": "n"}, {})
    assert filled == {"a": [text, {"b": phone}], "c": values, "d": "n", "e": "x"}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{{ call_id }}", id="a placeholder of the call"),
        pytest.param("{{ 7 * 7 }}{% for x in y %}", id="a template"),
        pytest.param("${TOKEN}", id="a secret"),
    ],
)
def test_a_message_that_looks_like_a_template_is_none(text: str) -> None:
    structure = {"a": "{{ text }}!", "b": "${TOKEN}-{{ call_id }}"}
    frozen = body.early(structure, {"text": text})
    assert frozen == {"a": f"{text}!", "b": "${TOKEN}-{{ call_id }}"}
    assert body.late(structure, frozen, {"call_id": "c"}, {"TOKEN": "t"}) == {"a": f"{text}!", "b": "t-c"}


def test_a_secret_that_names_another_is_taken_as_it_is() -> None:
    assert body.with_secrets("${A}${B}", {"A": "${B}", "B": "b"}) == "${B}b"


def test_a_placeholder_that_stands_alone_keeps_its_type_and_any_other_is_text() -> None:
    values = {"values": ["a", "b"]}
    filled = body.early({"whole": " {{values}} ", "part": "{{ values }}!", "first": "{{ values[0] }}"}, values)
    assert filled == {"whole": ["a", "b"], "part": "['a', 'b']!", "first": "a"}


def test_numbers_truth_and_null_stay_as_they_are() -> None:
    structure = {"a": 5, "b": True, "c": None, "d": [1.5]}
    assert body.late(structure, body.early(structure, {}), {}, {}) == structure
