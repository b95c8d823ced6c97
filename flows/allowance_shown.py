"""What the jobs of allowances leave in the UI: tables and sentences with references and counts, nothing personal."""

from collections.abc import Sequence
from typing import Any

from flows import artifacts
from flows.allowance_report_workbook import SHOWN, STATES, people_in
from flows.allowance_sheet import period_said
from flows.allowance_sheet_workbook import REASONS
from flows.fields import SETTLE_STEPS
from rules.bank_reasons import public_reason
from rules.errors import say
from rules.money import yuan
from rules.programmes import programme_name

Result = dict[str, Any]
MORE = {
    "adjusted": ("按去世时年龄调整", "adjusted to the age at death"), "objection": ("异议成立", "objection"),
    "mistaken": ("登记更正后不符合条件", "not entitled since the register was put right"),
}  # fmt: skip
"""Why a payment was stopped, beside the reasons for being left out."""
LISTED = 200
"""So many things to settle are on a page: a file that the bank never answers may be thousands."""
_READY = {True: ("账户已更正", "account corrected"), False: ("待更正账户", "account to be corrected")}


def _named(result: Result) -> str:
    return f"{programme_name(result['programme'])} {period_said(result['period'])}"


def show_notice(result: Result) -> None:
    """Say where the public lists lie and until when objections are heard."""
    text = say(
        "名单 {batch} 已公示：{people} 人次，{communities} 个社区，{first} 至 {last}（含）。\n\n"
        "公示材料在 {folder}；各社区负责人已收到名单。期满且异议处理完后，审批表自动发给审批人。",
        "List {batch} is on public notice: {people} payments, {communities} communities, {first} to {last}.\n\n"
        "The lists are in {folder}; the communities have them. When the time is over the approvers get the sheet.",
    )
    artifacts.markdown(f"allowance-notice-{result['batch'].lower()}", text.format(**result))


def show_morning(result: Result) -> None:
    """Say what waits for people: lists to put forward, objections to decide, sheets that were sent."""
    rows = [
        {say("事项", "what"): say("待提交公示", "to be put forward"), say("编号", "reference"): each["batch"],
         say("项目与发放期", "cycle"): _named(each), say("说明", "remark"): str(each["since"])}
        for each in result["waiting"]
    ]  # fmt: skip
    rows += [
        {say("事项", "what"): say("异议待处理", "objection to be decided"), say("编号", "reference"): each["elder"],
         say("项目与发放期", "cycle"): _named(each),
         say("说明", "remark"): say("已列入", "on the list") if each["listed"] else say("未列入", "left out")}
        for each in result["objections"]
    ]  # fmt: skip
    rows += [
        {say("事项", "what"): say("异议成立但仍未列入", "objection upheld, still left out"),
         say("编号", "reference"): each["elder"], say("项目与发放期", "cycle"): _named(each),
         say("说明", "remark"): say("原因：{}；更正登记后列入下一份名单", "{}; put the register right").format(
             say(*REASONS.get(each["reason"], (each["reason"], each["reason"]))))}
        for each in result["left_out"]
    ]  # fmt: skip
    rows += [
        {say("事项", "what"): say("待审批", "to be approved"), say("编号", "reference"): each["batch"],
         say("项目与发放期", "cycle"): "—",
         say("说明", "remark"): say("{:,} 人次，{} 元，需 {} 人审批", "{:,} payments, {} yuan, {} approvers").format(
             each["people"], yuan(each["fen"]), each["needed"])}
        for each in result["sheets"]
    ]  # fmt: skip
    if not rows:
        text = say("没有待办的名单和异议；无需处理。", "No list and no objection waits; nothing to do.")
        artifacts.markdown("allowance-notice", text)
        return
    artifacts.table("allowance-notice", say("公示与审批待办", "Notices and approvals"), rows)


def show_approval(result: Result) -> None:
    """Say whether a list has all the approvals it needs."""
    done = say("已审批通过，等待发放", "approved, waits for release")
    more = say("还需 {} 人审批", "{} more to approve").format(result["needed"] - result["given"])
    text = say("名单 {}：{:,} 人次，{} 元；{}。", "List {}: {:,} payments, {} yuan; {}.").format(
        result["batch"], result["people"], yuan(result["fen"]), done if result["approved"] else more
    )
    artifacts.markdown(f"allowance-approve-{result['batch'].lower()}", text)


def show_released(result: Result) -> None:
    """Say which lists went to the bank and which refused."""
    rows = [
        {say("名单编号", "list"): each["batch"], say("结果", "result"): say("已送银行", "sent"),
         say("人次", "payments"): each["people"], say("金额（元）", "yuan"): yuan(each["fen"])}
        for each in result["released"]
    ]  # fmt: skip
    rows += [
        {say("名单编号", "list"): each["batch"], say("结果", "result"): each["why"], say("人次", "payments"): "—",
         say("金额（元）", "yuan"): "—"}
        for each in result["refused"]
    ]  # fmt: skip
    files = say("、", ", ").join(result["files"])
    note = say("银行文件在 outbox/bank：{}", "bank files in outbox/bank: {}").format(files) if files else ""
    if not rows:
        text = note or say("没有已审批待发放的名单；无需处理。", "No approved list waits; nothing to do.")
        artifacts.markdown("allowance-release", text)
        return
    artifacts.table("allowance-release", say("发放", "Release"), rows, note)


def show_reconciled(result: Result) -> None:
    """Say what the bank said: files, exceptions, unknown payments."""
    rows = [
        {say("事项", "what"): each["file"], say("新回盘", "new lines"): each["new"],
         say("已有", "known"): each["known"], say("差异", "exceptions"): each["exceptions"]}
        for each in result["files"]
    ]  # fmt: skip
    note = say(
        "未知 {} 笔（银行未答复，不会自动重发）；待处理差异 {} 条，见结果页 allowance-to-settle。",
        "{} payments unknown (never sent again by themselves); {} exceptions: see the page allowance-to-settle.",
    ).format(result["unknown"], len(result["exceptions"]))
    artifacts.table("allowance-reconcile", say("银行对账", "Reconciliation"), rows, note)


def show_to_settle(waiting: Result, seen: str) -> None:
    """List what approvers settle with the form `allowance-settle`: what it asks for first, and the step to choose.

    Args:
        waiting: see `to_settle`, with at most LISTED of each kind.
        seen: local date and time.
    """
    steps = SETTLE_STEPS
    differ = [(each["line"], steps["close"], each["fen"],
               say("{what}；银行说 {booked_on} {said}；流水号 {payment}",
                   "{what}; the bank says {said} on {booked_on}; payment {payment}").format(**each))
              for each in waiting["exceptions"]]  # fmt: skip
    unknown = [(each["payment"], say("未知：认定结果", "unknown: say what became of it"), each["fen"],
                say("{}；{} 送银行，未答复", "{}; at the bank since {}").format(each["cycle"], each["since"]))
               for each in waiting["unknown"]]  # fmt: skip
    owed = [(each["payment"], steps["recovered"], each["fen"], f"{each['cycle']} · {each['why']}")
            for each in waiting["receivables"]]  # fmt: skip
    wrong = [(each["payment"], say("另行结清，不用表单", "outside the system") if "settled" in each else
              steps["withdraw"], each["claimed_fen"], each["todo"]) for each in waiting["wrong_claims"]]  # fmt: skip
    rows = [
        {say("流水号或编号", "payment or number"): number, say("办理", "step"): step,
         say("金额（元）", "yuan"): yuan(fen), say("说明", "remark"): remark}
        for number, step, fen, remark in differ + unknown + owed + wrong
    ]  # fmt: skip
    title = say("待审批人办理（截至 {}）", "For approvers to settle (as of {})").format(seen)
    if not rows:
        artifacts.markdown("allowance-to-settle", say("没有要办理的；无需处理。", "Nothing to settle."), title)
        return
    note = say("用作业 allowance-settle 的表单逐件办理。", "Settle each with the form of the job allowance-settle.")
    if len(rows) > LISTED:
        more = say(
            "只列前 {} 件，其余用 tuoqi allowance open 查看。", "Only {} are listed; see `tuoqi allowance open`."
        )
        note += more.format(LISTED)
    artifacts.table("allowance-to-settle", title, rows[:LISTED], note)


def show_reissue(results: Sequence[Result]) -> None:
    """Say which returned payments wait, and the lists that were made."""
    rows = [
        {say("流水号", "payment"): row["payment"], say("老人编号", "elder"): row["elder"],
         say("发放期", "period"): period_said(row["period"]), say("金额（元）", "yuan"): yuan(row["fen"]),
         say("退回原因", "reason"): public_reason(row["reason"]) or say("见银行回盘文件", "see the bank's file"),
         say("可否重发", "ready"): say(*_READY[row["ready"]])}
        for each in results
        for row in each["waiting"]
    ]  # fmt: skip
    made = [each["batch"] for each in results if each["batch"]]
    note = say("已生成重新发放名单：{}", "lists made: {}").format(say("、", ", ").join(made)) if made else ""
    if not rows:
        artifacts.markdown("allowance-reissue", say("没有退回的款项；无需处理。", "Nothing came back; nothing to do."))
        return
    artifacts.table("allowance-reissue", say("退回与重新发放", "Returned payments"), rows, note)


def show_stopped(result: Result) -> None:
    """Say who was taken off and what is claimed back."""
    rows = [
        {say("老人编号", "elder"): each["elder"], say("发放期", "period"): period_said(each["period"]),
         say("金额（元）", "yuan"): yuan(each["fen"]), say("处理", "what"): _reason(each["reason"])}
        for each in result["stopped"]
    ]  # fmt: skip
    rows += [
        {say("老人编号", "elder"): each["elder"], say("发放期", "period"): period_said(each["period"]),
         say("金额（元）", "yuan"): yuan(each["fen"]),
         say("处理", "what"): say("已发放，{}；追回", "sent, {}; to be given back").format(say(*STATES[each["state"]]))}
        for each in result["claimed"]
    ]  # fmt: skip
    if not rows:
        text = say("没有需要停发或追回的；无需处理。", "Nobody to stop, nothing to claim; nothing to do.")
        artifacts.markdown("allowance-stop", text)
        return
    artifacts.table("allowance-stop", say("停发与追回", "Stopped and claimed"), rows)


def _reason(reason: str) -> str:
    return say(*(REASONS.get(reason) or MORE[reason]))


def show_report(figures: Result, headline: str) -> None:
    """Show a cycle by community and state, as the workbook does."""
    rows = [
        {say("社区", "community"): each["name"], say("人次", "payments"): each["people"],
         say("金额（元）", "yuan"): yuan(each["fen"]),
         **{say(*STATES[state]): people_in(each, state) for state in SHOWN}}
        for each in figures["communities"]
    ]  # fmt: skip
    key = f"allowance-report-{figures['programme']}-{figures['period']}"
    artifacts.table(key, headline, rows, say("工作簿：{}", "workbook: {}").format(figures["file"]))
