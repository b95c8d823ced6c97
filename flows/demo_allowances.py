"""The demo's allowances: March planned, shown, approved, paid, reconciled to the fen, reported -> summary lines.

Every step is triggered twice: the second time changes nothing. The bank keeps books of its own, and they are ours.
"""

from typing import Any

from flows import demo_payments
from flows.allowance_notice import morning, put_forward
from flows.allowance_plan import plan
from flows.demo_allowance_stage import (
    APPROVED,
    ASKED,
    ON_FORM,
    ONCE_MORE,
    PERIOD,
    PLANNED,
    PROGRAMME,
    SHOWN,
    WRONG,
    Chapter,
)
from flows.demo_payees import MAKER, Phones
from flows.demo_stage import Stage, short, tell, ui
from models.allowance_figures import excluded
from rules.errors import say
from rules.money import yuan

REASONS = 8
"""As many as one district and one programme can show; the others are another programme and another district."""


def show(stage: Stage, phones: Phones) -> None:
    """Take March of the longevity allowance from the plan to the report."""
    chapter = Chapter(stage, phones)
    for step in (_plan, _notice, _approve, *demo_payments.STEPS):
        tell(stage.console, say("津贴：", "allowances: ") + step.__name__.strip("_"))
        step(chapter)


def _plan(chapter: Chapter) -> None:
    stage = chapter.stage
    done = stage.run("allowance-plan", PLANNED, programme=ON_FORM, period=PERIOD)
    told, same = chapter.twice(lambda: plan(stage.database, chapter.at(PLANNED), PROGRAMME, PERIOD))
    chapter.batch = told["batch"]
    with stage.database.read() as session:
        reasons = {reason for reason, _, _ in excluded(session, chapter.cycle(session))}
    parts = (told["entitled"], told["excluded"], told["not_of_age"])
    good = done and same and told["registered"] == sum(parts) and min(parts) > 0 and len(reasons) >= REASONS
    chapter.note(
        "allowance-plan",
        ("排出 3 月高龄保健金名单，人人有去处", "planned March: nobody disappears silently"),
        _counted(told, len(reasons)),
        ui(),
        good=good,
    )


def _counted(told: dict[str, Any], reasons: int) -> tuple[str, str]:
    zh = "登记 {registered} = 列入 {entitled} + 未列入 {excluded}（{kinds} 种原因）+ 未到年龄 {not_of_age}"
    en = "{registered} = {entitled} entitled + {excluded} left out ({kinds} reasons) + {not_of_age} younger"
    return zh.format(**told, kinds=reasons), en.format(**told, kinds=reasons)


def _notice(chapter: Chapter) -> None:
    stage, chosen = chapter.stage, chapter.at(SHOWN)
    shown, same = chapter.twice(lambda: put_forward(stage.database, chosen, chapter.batch, MAKER))
    chapter.deliver(SHOWN)
    sent = stage.messages("allowance-notice-open")
    chapter.note(
        "allowance-notice",
        ("名单按社区脱敏公示，社区负责人收到名单", "shown by community, masked; the leads have it to pin up"),
        (
            f"{shown['communities']} 个社区，{shown['first']} 至 {shown['last']}，通知 {sent} 份",
            f"{shown['communities']} communities, {shown['first']} to {shown['last']}, {sent} letters",
        ),
        short(stage.settings.folder("outbox") / "notice"),
        good=same and sent > 0,
    )


def _approve(chapter: Chapter) -> None:
    stage = chapter.stage
    (asked,) = morning(stage.database, chapter.at(ASKED))["sheets"]
    chapter.deliver(ASKED)
    refused = not chapter.yes(chapter.batch, "0" * len(asked["code"]), WRONG)
    moments = iter((APPROVED, ONCE_MORE))
    given, same = chapter.twice(lambda: chapter.yes(chapter.batch, asked["code"], next(moments)))
    sheets = stage.messages("allowance-approval")
    chapter.note(
        "allowance-approve",
        ("审批人核对审批表，确认码加动态口令批准", "the checker reads the sheet: its code and a one-time code"),
        (
            f"{given['people']} 人次 {yuan(given['fen'])} 元；审批表 {sheets} 份，错误确认码不通过",
            f"{given['people']} payments, {yuan(given['fen'])} yuan; {sheets} sheets; a wrong code approves nothing",
        ),
        short(stage.settings.folder("outbox") / "approval"),
        good=refused and same and given["approved"] and sheets > 0,
    )
