from collections.abc import Sequence

import pytest

from rules.registers import REGISTERS, Column, Register, docs_page, read_cell

COLUMNS = {
    "centre": "*code name subdistrict community address phone opens_on_rest_days",
    "cadre": "*number name phone email *centre *from until head rest_day_exempt ref",
    "leave": "*person *from until type cancelled",
    "calendar": "*date kind name",
    "slot": "*date *centre cadre state pinned leader",
    "swap": "centre date_a cadre_a date_b cadre_b confirmed_a confirmed_b",
    "ack": "*date *centre cadre at",
    "checkin": "*date *centre cadre at",
    "handover": "*date *centre cadre at rooms meals cleaning facilities note",
    "subdistrict": "*name phone email",
    "elder": "*id_number ref name sex birth_date phone address subdistrict community building hukou categories tier "
    "registered_on emergency_name emergency_phone",
    "helper": "*number name phone email community role team capacity ref",
    "pairing": "*elder *helper *role primary from until",
    "contact": "*elder *helper *channel *occurred_at outcome recorded_at note voided",
    "status": "*elder *from status subdistrict community reoffer_on recorded_at",
    "account": "*elder *from bank account holder proxy_name proxy_reason proxy_document proxy_until",
    "certification": "*elder *certified_on method",
    "budget": "*programme *period fen",
    "objection": "*programme *period *elder raised_on text upheld",
    "bank-return": "*key fen result reason booked_on",
    "school": "*code name contact_name contact_email",
    "exam": "*code name date group compare_with",
    "student": "*exam *number name school class track contact_email contact_verified",
    "paper": "*exam *subject full scaled scale",
    "item": "*exam *subject *item max point",
    "mark": "*exam *number school *subject status mark",
    "issue": "*number elder centre kind event at actor satisfied note",
}

ALL = [
    pytest.param(register, column, id=f"{kind}.{column.name}")
    for kind, register in REGISTERS.items()
    for column in register.columns
]


@pytest.mark.parametrize(
    ("kind", "columns"), [pytest.param(kind, text.split(), id=kind) for kind, text in COLUMNS.items()]
)
def test_a_register_has_the_agreed_columns_and_keys(kind: str, columns: Sequence[str]) -> None:
    assert [f"{'*' * column.key}{column.name}" for column in REGISTERS[kind].columns] == list(columns)


@pytest.mark.parametrize(("register", "column"), ALL)
def test_every_column_is_explained_in_both_languages(register: Register, column: Column) -> None:
    assert column.header
    assert column.note_zh
    assert column.note_en
    assert register.note("zh")
    assert register.note("en")


@pytest.mark.parametrize(("register", "column"), ALL)
def test_every_example_is_a_cell_that_can_be_read(register: Register, column: Column) -> None:
    assert register.column(column.name) is column
    if column.example:
        assert read_cell(column, column.example) is not None


@pytest.mark.parametrize("register", REGISTERS.values(), ids=REGISTERS)
def test_headers_of_a_register_differ(register: Register) -> None:
    spellings = [each for column in register.columns for each in (column.header, column.name, *column.also)]
    assert len(spellings) == len(set(spellings))


@pytest.mark.parametrize("register", REGISTERS.values(), ids=REGISTERS)
def test_drop_downs_fit_into_one_excel_list(register: Register) -> None:
    for column in register.columns:
        assert len(",".join(column.options.values())) <= 255


def test_personal_columns_are_the_ones_agreed() -> None:
    secret = {f"{kind}.{column.name}" for kind, each in REGISTERS.items() for column in each.columns if column.secret}
    assert secret == {
        "centre.phone",
        "centre.address",
        "cadre.name",
        "cadre.phone",
        "cadre.email",
        "slot.leader",
        "subdistrict.phone",
        "subdistrict.email",
        "elder.name",
        "elder.phone",
        "elder.address",
        "elder.emergency_name",
        "elder.emergency_phone",
        "helper.name",
        "helper.phone",
        "helper.email",
        "contact.note",
        "issue.note",
        "account.account",
        "account.holder",
        "account.proxy_name",
        "account.proxy_document",
        "objection.text",
        "school.contact_name",
        "school.contact_email",
        "student.number",
        "student.name",
        "student.contact_email",
        "mark.number",
        "mark.mark",
    }


def test_an_export_without_reveal_leaves_personal_columns_out() -> None:
    cadre = REGISTERS["cadre"]
    assert [column.name for column in cadre.shown(reveal=False)] == [
        "number",
        "centre",
        "from",
        "until",
        "head",
        "rest_day_exempt",
        "ref",
    ]
    assert cadre.shown(reveal=True) == cadre.columns


def test_a_register_without_keys_is_told_apart_by_its_required_columns() -> None:
    assert REGISTERS["swap"].keys == ()
    assert REGISTERS["swap"].identity == ("centre", "date_a", "cadre_a", "date_b", "cadre_b")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_names_every_register_column_and_allowed_value(lang: str) -> None:
    page = docs_page(REGISTERS.values(), "zh" if lang == "zh" else "en")
    for kind, register in REGISTERS.items():
        assert f"## `{kind}`" in page
        for column in register.columns:
            assert f"`{column.name}`" in page
            assert column.header in page
            assert all(value in page and label in page for value, label in column.options.items())
    assert page.endswith("|\n")
    assert all(line.count("|") == 8 for line in page.splitlines() if line.startswith("|"))


def test_the_page_marks_keys_and_personal_columns_and_blank_values() -> None:
    page = docs_page([REGISTERS["cadre"]], "en")
    assert "| `number`\\* | 干部编号 | code | key |" in page
    assert "(personal)" in page
    assert 'blank means "no"' in page
