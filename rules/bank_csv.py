"""A pay list as the csv template of a bank 代发模板, and back: lines > cells > text > bytes.

No cell is ever quoted, since the importers of banks split at the delimiter alone; `checked` refuses what would need it.
"""

from collections.abc import Iterator, Sequence

from rules.bank import BankForm, NotOurFile, PayLine, PayList, bank_fen
from rules.bank_checks import checked

CODECS = {"GB18030": "gb18030", "UTF-8": "utf-8"}


def csv_bytes(listed: PayList, form: BankForm) -> bytes:
    """Return the file; the same list and form give the same bytes.

    Raises:
        PayListRefused: a line cannot be written.
    """
    rows = rows_of(checked(listed, form), form)
    codec = CODECS[form.encoding]
    return b"".join((form.delimiter.join(row) + form.line_ending).encode(codec) for row in rows)


def rows_of(listed: PayList, form: BankForm) -> Iterator[list[str]]:
    """Yield the rows of a template as text: the headers, a row for each line, the totals."""
    if form.header:
        yield [column.header for column in form.columns]
    fields = [column.field for column in form.columns]
    fixed = {"debtor_name": form.debtor.name, "debtor_account": form.debtor.account}
    for number, line in enumerate(listed.lines, start=1):
        cells = {
            "line": str(number), "key": line.key, "name": line.name, "account": line.account,
            "bank": line.bank, "amount": form.amount(line.fen), "note": line.note, **fixed,
        }  # fmt: skip
        yield [cells[field] for field in fields]
    if form.totals:
        yield totals_of(len(listed.lines), listed.fen, form)


def totals_of(count: int, fen: int, form: BankForm) -> list[str]:
    """The cells of the last line."""
    return [cell.replace("{count}", str(count)).replace("{amount}", form.amount(fen)) for cell in form.totals]


def read_csv(content: bytes, form: BankForm) -> list[PayLine]:
    """Read a file of this form back.

    Raises:
        NotOurFile: another encoding or template, or its totals are not those of its lines.
    """
    try:
        text = content.decode(CODECS[form.encoding])
    except UnicodeDecodeError as error:
        raise NotOurFile(f"第 {error.start} 字节不是 {form.encoding}", f"byte {error.start} is not it") from None
    if not text.endswith(form.line_ending):
        raise NotOurFile("最后一行不完整", "it is cut short")
    rows = text.removesuffix(form.line_ending).split(form.line_ending)
    return lines_of([row.split(form.delimiter) for row in rows], form)


def lines_of(rows: Sequence[Sequence[str]], form: BankForm) -> list[PayLine]:
    """Return the lines of a template's rows.

    Raises:
        NotOurFile: headers, a row or the totals are not of this form.
    """
    first, last = int(form.header), len(rows) - bool(form.totals)
    if form.header and list(rows[0]) != [column.header for column in form.columns]:
        raise NotOurFile("表头不符", "the headers are others")
    lines = [_line(number, row, form) for number, row in enumerate(rows[first:last], start=1)]
    if form.totals:
        wanted = totals_of(len(lines), sum(line.fen for line in lines), form)
        if not lines or [cell for cell in rows[last] if cell] != [cell for cell in wanted if cell]:
            raise NotOurFile("合计行与明细不符", "the totals are not those of the lines")
    return lines


def _line(number: int, row: Sequence[str], form: BankForm) -> PayLine:
    if len(row) != len(form.columns):
        raise NotOurFile(f"第 {number} 笔列数不符", f"line {number} has another number of cells")
    cells = dict(zip((column.field for column in form.columns), row, strict=True))
    if cells.get("line", str(number)) != str(number):
        raise NotOurFile(f"第 {number} 笔序号不符", f"line {number} says it is another")
    try:
        fen = bank_fen(cells["amount"], form.unit)
    except ValueError:
        raise NotOurFile(f"第 {number} 笔金额有误", f"line {number} has no amount") from None
    return PayLine(cells["key"], cells["name"], cells["account"], cells.get("bank", ""), fen, cells.get("note", ""))
