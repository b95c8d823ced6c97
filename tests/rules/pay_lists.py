"""Bank forms and pay lists for tests: the three blocks that stand in docs/bank-files.md, and names as they are."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import yaml

from policies.bank_forms import bank_form
from rules.bank import BankForm, PayLine, PayList, file_key

REF = "F-7K3Q-9XM1"
CREATED = datetime(2026, 10, 12, 2, 30, tzinfo=UTC)
PAY_ON = date(2026, 10, 16)
DOCS = Path(__file__).parents[2] / "docs" / "bank-files.md"
NAMES = ("张三", "李𠮷祥", "䶮某", "赵㛃", "买买提·艾力", "O'Neil & <Söhne>", "欧阳　娜娜")


def block(form: str) -> dict[str, Any]:
    """The block of that format, as the documentation shows it."""
    found = [
        yaml.safe_load(text)["bank"]
        for text in re.findall(r"```yaml\n(bank:\n.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    ]
    return next(each for each in found if each["format"] == form)


def form_of(form: str, **changed: Any) -> BankForm:
    return bank_form({**block(form), **changed})


def pay_list(count: int = 7, ref: str = REF) -> PayList:
    """Lines with every kind of name, bank and amount."""
    banks = ("", "昆明某银行", "102731000015")
    return PayList(
        ref,
        CREATED,
        PAY_ON,
        [
            PayLine(
                file_key(ref, n),
                NAMES[(n - 1) % 7],
                f"622202{n:013}",
                banks[n % 3],
                6000 + 101 * n,
                "2026年重阳节保健金",
            )
            for n in range(1, count + 1)
        ],
    )
