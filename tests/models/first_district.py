"""A district under the first programs: people, duty and messages, as the rows of the schemas 0001 to 0003.

Numbers are given in the order of the rows, from 1. A text in a sealed column is sealed for the row's reference when it
is put; "@" names the reference where the row has no `ref` of its own.
"""

from datetime import date, timedelta
from typing import Any

Rows = list[tuple[str, dict[str, Any]]]
AT, LATER = "2026-03-09T09:00", "2026-03-09T18:30"
"""Moments in UTC; the district's clock is eight hours ahead."""
TODAY = date(2026, 3, 10)
STATES = (
    "pending", "claimed", "sending", "accepted", "delivered", "undeliverable", "unknown", "dead", "suppressed",
    "expired", "cancelled",
)  # fmt: skip
WHY = {
    "kind": "work", "members": 3, "present": 3, "eligible": 2, "on_leave": 0, "resting": 1, "elsewhere": 0, "exempt": 0,
    "balance": 2, "last_duty": "2026-02-20",
}  # fmt: skip
NOTICE = (
    '{"ack_until":"今天20:00","centre":"马街中心","date":"2026-03-11","kind":"工作日",'
    '"name":"王建国","weekday":"周三","why":"3人中2人可排"}'
)


def people() -> Rows:
    office = {"district_id": 1, "phone": "0871-68180001", "email": "majie@example.cn"}
    seat = {"district_id": 1, "address": "马街路 1 号", "phone": "0871-68180002", "opens_on_rest_days": False}
    person = {"district_id": 1, "phone_index": b"phone"}
    return [
        ("district", {"code": "530112", "name": "西山区"}),
        ("subdistrict", {**office, "ref": "S-1", "name": "马街街道"}),
        ("subdistrict", {"district_id": 1, "ref": "S-2", "name": "翠湖街道"}),
        ("community", {"subdistrict_id": 1, "name": "一社区"}),
        ("community", {"subdistrict_id": 2, "name": "二社区"}),
        ("centre", {**seat, "community_id": 1, "code": "C1", "name": "马街中心"}),
        ("centre", {**seat, "community_id": 2, "code": "C2", "name": "翠湖中心"}),
        *(
            ("cadre", {**person, "number": f"K{n}", "ref": f"C-{n}", "name": name, "phone": f"1380000000{n}",
                       "email": f"k{n}@example.cn"})
            for n, name in enumerate(("王建国", "李桂兰", "龚䶮", "张三", "赵秀英", "欧阳娜娜"), 1)
        ),
        ("cadre", {"district_id": 1, "number": "K7", "ref": "C-7", "name": "没有电话的人"}),
        *(
            ("roster", {"cadre_id": n, "centre_id": 1 + (n > 3), "since": "2026-01-01", "head": n in {1, 4},
                        "rest_day_exempt": n == 6})
            for n in range(1, 7)
        ),
        ("leave", {"cadre_id": 1, "since": "2026-03-10", "kind": "sick", "cancelled": False}),
        ("leave", {"cadre_id": 5, "since": "2026-03-02", "until": "2026-03-03", "kind": "annual", "cancelled": True}),
        ("import_log", {"district_id": 1, "kind": "cadre", "sha256": "0" * 64, "rows": 7, "added": 7, "changed": 0,
                        "unchanged": 0, "at": AT, "actor": "cli"}),
        ("work_calendar", {"date": "2026-02-17", "kind": "statutory", "name": "春节", "confirmed": True,
                           "source": "import"}),
        ("work_calendar", {"date": "2027-02-06", "kind": "rest", "name": "", "confirmed": False, "source": "rule"}),
    ]  # fmt: skip


def duty() -> Rows:
    """Two weeks of two centres, three people each: worked until yesterday, published until Friday, then drafts."""
    rows: Rows = []
    for n in range(28):
        centre, day = 1 + n % 2, date(2026, 3, 1) + timedelta(days=n // 2)
        cadre = (1 if centre == 1 else 4) + (n // 2) % 3
        slot = {"centre_id": centre, "day": day.isoformat(), "cadre_id": cadre, "revision": 0, "pinned": n == 4,
                "rest_relaxed": False, "why": WHY, "@": f"C{centre}/{day}",
                "published_at": "2026-02-25T00:00"}  # fmt: skip
        if day < TODAY - timedelta(days=1):
            seen = {"checkin_cadre_id": cadre, "checkin_at": f"{day}T00:20", "leader": "带班 周主任"}
            rows.append(("duty_slot", {**slot, **seen, "state": "handed_over"}))
        elif day <= date(2026, 3, 13):
            rows.append(("duty_slot", {**slot, "state": "published"}))
        else:
            rows.append(("duty_slot", {**slot, "state": "draft", "published_at": None}))
    rows[3] = ("duty_slot", {**rows[3][1], "state": "gap", "cadre_id": None, "checkin_cadre_id": None,
                             "checkin_at": None})  # fmt: skip
    step = {"before": "draft", "after": "published", "revision": 0, "at": AT, "actor": "duty-plan", "reason": ""}
    swap = {"centre_id": 1, "date_a": "2026-03-04", "cadre_a_id": 1, "date_b": "2026-03-05", "cadre_b_id": 2,
            "asked_at": AT}  # fmt: skip
    return [
        *rows,
        *(("slot_transition", {**step, "slot_id": n, "cadre_after_id": 1}) for n in range(1, 27)),
        ("duty_mark", {"slot_id": 1, "mark": "notice", "revision": 0, "fired_at": AT}),
        ("duty_mark", {"slot_id": 1, "mark": "reminder", "revision": 0, "fired_at": AT}),
        ("duty_handover", {"slot_id": 1, "cadre_id": 1, "at": AT, "rooms": "ok", "meals": "ok", "cleaning": "ok",
                           "facilities": "problem", "note": "二楼扶手松动", "reporter": "K1", "@": "C1/2026-03-01"}),
        ("duty_swap", {**swap, "state": "done", "confirmed_a_id": 1, "confirmed_b_id": 2, "done_at": LATER}),
        ("duty_swap", {**swap, "date_a": "2026-03-12", "cadre_a_id": 3, "state": "asked"}),
        ("job_run", {"job": "duty-plan", "run_key": "2026-03", "partition": "530112", "state": "done", "token": 2,
                     "owner": "desk:1:1", "lease_until": AT, "started_at": AT, "finished_at": AT,
                     "result": {"slots": 28, "note": "已发布"}}),
    ]  # fmt: skip


def message(key: str, state: str, **more: Any) -> tuple[str, dict[str, Any]]:
    """A message of the first program in one state."""
    leased = {"lease_owner": "desk:9:9", "lease_until": AT} if state in {"claimed", "sending"} else {}
    frozen = (
        {"request": "To: k1@example.cn", "request_hash": b"h"} if state in {"sending", "accepted", "unknown"} else {}
    )
    ended = {} if state in {"pending", "claimed", "sending"} else {"finished_at": LATER}
    return "message", {
        "@": key, "dedupe_key": key, "channel": "email", "template": "duty-notice", "template_version": 1,
        "language": "zh-CN", "district": "530112", "recipient": "C-1", "address": "k1@example.cn",
        "address_index": b"a1", "variables": NOTICE, "variables_hash": b"v", "priority": 5, "not_before": AT,
        "state": state, "attempts": 0, "out_id": f"out-{key}", "created_at": AT, **leased, **frozen, **ended, **more,
    }  # fmt: skip


def told() -> Rows:
    rows = [message(f"duty-notice:{n}:C-1:r0", state) for n, state in enumerate(STATES, 1)]
    attempt = {"message_id": 5, "owner": "desk:9:9", "request_hash": b"h", "at": AT}
    return [
        message(
            "duty-notice:21:C-2:r0", "pending", recipient="C-2", address="k2@example.cn", expires_at="2026-03-11T16:00"
        ),
        *rows,
        message("duty-notice:19:C-2:r0", "delivered", channel="sms", provider="file", provider_ref="7", parts=1),
        ("attempt", {**attempt, "number": 1, "outcome": "defer", "error_code": "421"}),
        ("attempt", {**attempt, "number": 2, "outcome": "accepted", "provider_ref": "7"}),
        ("opt_out", {"channel": "sms", "address_index": b"a9", "source": "reply", "at": AT}),
    ]


def reached() -> Rows:
    wide = {"kind": "urgent", "audience": "public", "routes": '[["sms","13800000001"]]', "enclosures": "[]"}
    return [
        message("duty-gap:4:C-1:r1", "accepted", channel="robot", **wide, call_id="c", flown_at=AT, asked_at=LATER),
        message("duty-gap:4:C-2:r1", "delivered", **wide, follows=14, redacted_at=LATER, variables=None, address=None),
        ("attempt", {"message_id": 14, "number": 1, "owner": "d", "outcome": "absent", "request_hash": b"h", "at": AT}),
        ("opt_out", {"channel": "robot", "address_index": b"a9", "source": "staff", "at": AT, "ended_at": LATER}),
        ("channel_preference", {"recipient": "C-1", "channels": "sms,email", "source": "staff", "at": AT}),
        ("enclosed_file", {"digest": "d1", "content": "通知附件", "created_at": AT, "@": "d1"}),
        ("provider_state", {"provider": "aliyun", "template": "", "failures": 3, "since": AT, "code": "AUTH"}),
        ("sending_day", {"channel": "sms", "day": "2026-03-09", "messages": 12}),
        ("receipt", {"provider": "tencent", "provider_ref": "r1", "address_index": b"a1", "state": "delivered",
                     "blocked": False, "told_at": AT}),
    ]  # fmt: skip


def answered() -> Rows:
    return [
        ("link_use", {"code_hash": b"c1", "step": "ack", "at": AT}),
        ("reply", {"provider": "aliyun", "reply_id": "9", "address_index": b"a1", "recipient": "C-1", "text": "收到1",
                   "meaning": "other", "outcome": "", "at": AT, "@": "aliyun:9"}),
        ("duty_swap", {"centre_id": 2, "date_a": "2026-03-12", "cadre_a_id": 4, "date_b": "2026-03-13",
                       "cadre_b_id": 5, "state": "refused", "asked_at": AT}),
    ]  # fmt: skip
