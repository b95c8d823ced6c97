"""What was planned, told: tables for the UI and sentences for a terminal; counts and sums, nothing personal."""

from collections.abc import Sequence
from typing import Any

from flows import artifacts
from flows.allowance_sheet import period_said
from flows.allowance_sheet_workbook import REASONS
from rules.errors import say
from rules.money import yuan
from rules.programmes import programme_name

Result = dict[str, Any]


def show_plans(results: Sequence[Result]) -> None:
    """Say what was planned: register = entitled + left out + not of age."""
    if not results:
        text = say("今天没有到期的发放期；无需处理。", "No cycle is due today; nothing to do.")
        artifacts.markdown("allowance-plan", text)
        return
    busy, results = [each["note"] for each in results if "batch" not in each], [r for r in results if "batch" in r]
    rows = [
        {
            say("项目与发放期", "cycle"): _named(each),
            say("名单编号", "list"): each["batch"] or "—",
            say("登记", "registered"): each.get("registered", "—"),
            say("列入", "entitled"): each.get("entitled", "—"),
            say("未列入", "left out"): each.get("excluded", "—"),
            say("未到年龄或类别", "not of age"): each.get("not_of_age", "—"),
            say("补发", "back-paid"): each["back_paid"],
            say("恢复", "restored"): each["restored"],
            say("金额（元）", "yuan"): yuan(each["fen"]) if "fen" in each else "—",
            say("预算（元）", "budget"): "—" if each.get("budget_fen") is None else yuan(each["budget_fen"]),
            say("预算核对", "budget check"): _short(each),
        }
        for each in results
    ]
    note = say(
        "下一步：经办人在 allowance-notice 中填写名单编号和工号，提交公示。登记 = 列入 + 未列入 + 未到年龄或类别。",
        "Next: the maker puts the list on public notice. Registered = entitled + left out + not of age.",
    )
    artifacts.table("allowance-plan", say("发放名单", "Payment lists"), rows, "\n\n".join((note, *busy)))
    if people := [row for each in results for row in _people(each)]:
        artifacts.table("allowance-plan-people", say("列入与未列入", "Who is entitled, who is left out"), people)


def plan_lines(results: Sequence[Result]) -> list[str]:
    """Say what was planned in sentences for a terminal: a head for each cycle, then its bands and reasons."""
    if not results:
        return [say("今天没有到期的发放期；无需处理。", "No cycle is due today; nothing to do.")]
    lines = []
    for each in results:
        if "batch" not in each:
            lines.append(each["note"])
            continue
        lines.append(_plan_head(each))
        for row in _people(each):
            _, group, people, fen = row.values()
            money = "" if fen == "—" else say("，{} 元", ", {} yuan").format(fen)
            lines.append(say("  {}：{:,} 人{}", "  {}: {:,} people{}").format(group, people, money))
        if each.get("already"):
            lines.append("  " + each["note"])
    return lines


def _plan_head(each: Result) -> str:
    head = say("{}：名单 {}，补发 {}，恢复 {}", "{}: list {}, {} back-paid, {} restored").format(
        _named(each), each["batch"] or say("无", "none"), each["back_paid"], each["restored"]
    )
    if "registered" not in each:  # a supplement
        return head
    counts = say(
        "；登记 {registered:,} = 列入 {entitled:,} + 未列入 {excluded:,} + 未到年龄或类别 {not_of_age:,}；共 {} 元，{}",
        "; registered {registered:,} = entitled {entitled:,} + left out {excluded:,} + not of age {not_of_age:,}; "
        "{} yuan, {}",
    )
    budget = each.get("budget_fen")
    has = say("未登记预算", "no budget") if budget is None else say("预算 {} 元", "budget {}").format(yuan(budget))
    short = say("（短缺 {} 元）", " ({} short)").format(yuan(each["short_fen"])) if each["short_fen"] else ""
    return head + counts.format(yuan(each["fen"]), has + short, **each)


def _short(each: Result) -> str:
    if each.get("short_fen"):
        return say("短缺 {} 元", "{} yuan short").format(yuan(each["short_fen"]))
    return say("未登记预算", "no budget") if "fen" in each and each.get("budget_fen") is None else "—"


def _people(each: Result) -> list[Result]:
    """The bands and reasons of a cycle, a line each."""
    lines = [(say("列入：{}", "entitled: {}").format(band), n["people"], yuan(n["fen"]))
             for band, n in sorted(each.get("bands", {}).items())]  # fmt: skip
    lines += [(say("未列入：{}", "left out: {}").format(say(*REASONS[reason])), people, "—")
              for reason, people in sorted(each.get("reasons", {}).items())]  # fmt: skip
    if each.get("waiting"):
        lines.append((say("此前各期仍未列入", "still left out of earlier cycles"), each["waiting"], "—"))
    names = say("项目与发放期", "cycle"), say("档次或原因", "band or reason"), say("人数", "people"), say("元", "yuan")
    return [dict(zip(names, (_named(each), *line), strict=True)) for line in lines]


def _named(result: Result) -> str:
    return f"{programme_name(result['programme'])} {period_said(result['period'])}"
