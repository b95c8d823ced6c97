"""Registers 登记表: the files people exchange with Tuoqi -> one declaration each -> form, parser, errors, page.

To add a register, declare it beside its neighbours in places.py, roster.py, duty.py, elders.py, visits.py,
contacts.py, payees.py, money.py, exams.py, papers.py, lines.py or marks.py; a kind of cell, in cells.py.
"""

from rules.registers.cells import read_cell
from rules.registers.contacts import CONTACT_REGISTERS
from rules.registers.duty import DUTY_REGISTERS
from rules.registers.exams import EXAM_REGISTERS
from rules.registers.grid import HEADER_DEPTH, Grid, find_header, header_key, parse
from rules.registers.lines import LINE
from rules.registers.marks import MARK
from rules.registers.money import MONEY_REGISTERS
from rules.registers.page import docs_page
from rules.registers.papers import PAPER_REGISTERS
from rules.registers.payees import PAYEE_REGISTERS
from rules.registers.places import PLACE_REGISTERS
from rules.registers.roster import ROSTER_REGISTERS
from rules.registers.shape import CellError, Column, Kind, Lang, Parsed, Register, Row
from rules.registers.spelling import BadCell
from rules.registers.visits import VISIT_REGISTERS

REGISTERS: dict[str, Register] = {
    register.kind: register
    for register in (
        *PLACE_REGISTERS,
        *ROSTER_REGISTERS,
        *DUTY_REGISTERS,
        *VISIT_REGISTERS,
        *CONTACT_REGISTERS,
        *PAYEE_REGISTERS,
        *MONEY_REGISTERS,
        *EXAM_REGISTERS,
        *PAPER_REGISTERS,
        LINE,
        MARK,
    )
}

__all__ = [
    "HEADER_DEPTH",
    "REGISTERS",
    "BadCell",
    "CellError",
    "Column",
    "Grid",
    "Kind",
    "Lang",
    "Parsed",
    "Register",
    "Row",
    "docs_page",
    "find_header",
    "header_key",
    "parse",
    "read_cell",
]
