"""A pay list and the bank's form -> the bytes of its file, and back to check them before they are frozen."""

from collections.abc import Sequence

from flows.bank_xlsx import read_xlsx, xlsx_bytes
from rules.bank import BankForm, NotOurFile, PayLine, PayList
from rules.bank_csv import csv_bytes, read_csv
from rules.bank_pain001 import pain001_bytes, pieces_of, read_pain001

_WRITERS = {"csv": csv_bytes, "xlsx": xlsx_bytes, "pain.001": pain001_bytes}


def bank_bytes(listed: PayList, form: BankForm) -> bytes:
    """Return the file for the bank, read back and compared; the same list and form give the same bytes.

    Raises:
        PayListRefused: lines that cannot be written; nothing was made.
        NotOurFile: what was made does not read as what was meant; never seen, and then nothing must leave the house.
    """
    content = _WRITERS[form.format](listed, form)
    written = read_bank_bytes(content, form)
    if written != as_read(listed.lines, form):
        raise NotOurFile("读回的内容与原数据不符", "what it says is not what was meant")
    return content


def read_bank_bytes(content: bytes, form: BankForm) -> list[PayLine]:
    """Read a file of ours; count and total in it agree with its lines.

    Raises:
        NotOurFile: they do not, or it is no file of this form.
        XmlDamaged, XmlSuspicious: it is no XML.
    """
    if form.format == "pain.001":
        return list(read_pain001(pieces_of(content)).lines)
    return read_csv(content, form) if form.format == "csv" else read_xlsx(content, form)


def as_read(lines: Sequence[PayLine], form: BankForm) -> list[PayLine]:
    """Lines without what the template has no column for."""
    if form.format == "pain.001":
        return list(lines)
    fields = {column.field for column in form.columns}
    bank, note = "bank" in fields, "note" in fields
    return [
        PayLine(each.key, each.name, each.account, each.bank if bank else "", each.fen, each.note if note else "")
        for each in lines
    ]
