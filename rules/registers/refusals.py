"""Why a file is refused before a single cell is read; each sentence ends with what to do."""

from collections.abc import Callable
from dataclasses import dataclass

from rules.errors import TuoqiError


class FileRefused(TuoqiError):
    """Base: nothing of the file was used."""


@dataclass(eq=False)
class FileMissing(FileRefused):
    """There is no such file, or it cannot be read."""

    name: str
    zh = "找不到或打不开文件 {name}；请检查文件名、位置和权限。"
    en = "{name} is not there or cannot be opened; check its name, place and permissions."


@dataclass(eq=False)
class FileEmpty(FileRefused):
    """The file, or its only table, has no cell with text."""

    name: str
    zh = "{name} 是空的；请填写后保存再导入。"
    en = "{name} is empty; fill it in, save it and import it again."


@dataclass(eq=False)
class FileTooBig(FileRefused):
    """More bytes, rows, columns or cells than any register needs."""

    name: str
    what_zh: str
    what_en: str
    found: int
    most: int
    zh = "{name} 的{what_zh}是 {found}，超过上限 {most}；请删去多余的行、列和图片，或分成几个文件导入。"
    en = "{name} has {found} {what_en}, the most is {most}; remove surplus rows and columns or split the file."


@dataclass(eq=False)
class FileTooHeavy(FileRefused):
    """Within its limits of bytes, but not of the memory it takes to read."""

    name: str
    zh = "{name} 太大，读取它需要的内存超出上限；请删去多余的行、列，或分成几个文件导入。"
    en = "{name} is too large, it needs more memory than any register; remove surplus rows and columns or split it."


@dataclass(eq=False)
class FileChanged(FileRefused):
    """It was written to while it was read: half a file must not count as the whole."""

    name: str
    zh = "{name} 在读取时仍在写入，没有采用；请等文件复制完成后再试。"
    en = "{name} is still being written; nothing was used. Wait until it is copied, then try again."


@dataclass(eq=False)
class NotATable(FileRefused):
    """The content is something else, whatever the file's name says."""

    name: str
    found_zh: str
    found_en: str
    zh = "{name} 的实际内容是{found_zh}，不是表格；请用 Excel 或 WPS 打开，另存为 .xlsx 再导入。"
    en = "{name} really is {found_en}, not a table; open it in Excel or WPS, save it as .xlsx and import that."


@dataclass(eq=False)
class FileLocked(FileRefused):
    """The workbook needs a password."""

    name: str
    zh = "{name} 加了密码；请用 Excel 或 WPS 打开，去掉密码后保存再导入。"
    en = "{name} is protected by a password; open it, remove the password, save it and import it again."


@dataclass(eq=False)
class FileDamaged(FileRefused):
    """Cut short or broken."""

    name: str
    zh = "{name} 不完整或已损坏；请重新取得文件，或用 Excel、WPS 打开后另存为 .xlsx 再导入。"
    en = "{name} is cut short or damaged; get it again, or open it and save it as .xlsx, then import that."


@dataclass(eq=False)
class SuspiciousFile(FileRefused):
    """Built so that reading it could harm: a bomb, an entity, a cell at the far end of the sheet."""

    name: str
    why_zh: str
    why_en: str
    zh = "{name} 有异常：{why_zh}；没有读取。请把需要的行列复制到新的工作簿，再导入新文件。"
    en = "{name} was not read: {why_en}; copy the rows you need into a new workbook and import that."


REFUSALS: dict[str, Callable[..., FileRefused]] = {
    refusal.__name__: refusal
    for refusal in (
        FileMissing,
        FileEmpty,
        FileTooBig,
        FileTooHeavy,
        FileChanged,
        NotATable,
        FileLocked,
        FileDamaged,
        SuspiciousFile,
    )
}
"""By name, for the child process that reads files reports by name."""
