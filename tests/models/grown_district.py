"""A district as it grew: for each revision of the schema, rows of the tables that it brought."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.models.first_district import AT, LATER, Rows, answered, duty, people, reached, told


def grown() -> Mapping[str, Rows]:
    """Return the rows by revision; those of one revision are put before the database goes on to the next."""
    return {
        "0001": [*people(), *duty(), *told()],
        "0002": reached(),
        "0003": answered(),
        "0004": [*_elders(), *_visits(), *_issues()],
        "0005": [*_payees(), *_list_of_payments(), *_paid()],
        "0006": _exam(),
        "0007": _released(),
        "0008": [("exam_line", {"exam_id": 1, "track": "physics", "name": "特控线", "tenths": 5000})],
        "0011": [("receivable", {"payment_id": 2, "fen": 8000, "reason": "moved_out", "raised_at": AT})],
    }


def _elders() -> Rows:
    person = {"district_id": 1, "sex": "female", "community_id": 1, "building": "3栋", "hukou": "district",
              "registered_on": "2026-01-05", "recorded_at": AT}  # fmt: skip
    helper = {"district_id": 1, "community_id": 1, "role": "building", "team": "", "capacity": 6}
    pair = {"helper_id": 1, "role": "building", "is_primary": True, "since": "2026-01-05"}
    return [
        *(
            ("elder", {**person, "ref": f"E-{n}", "name": name, "id_number": f"9901121940010{n}001X",
                       "id_index": f"i{n}".encode(), "phone": f"1390000000{n}", "address": "马街路 3 栋",
                       "emergency_name": "王小明", "emergency_phone": "13700000001", "birth_date": f"194{n}-01-0{n}"})
            for n, name in enumerate(("王桂兰", "李桂芳", "张桂英", "赵桂珍"), 1)
        ),
        ("elder_category", {"elder_id": 1, "category": "alone", "since": "2026-01-05"}),
        ("elder_category", {"elder_id": 1, "category": "empty_nest", "since": "2026-01-05", "ended_on": "2026-02-01"}),
        ("elder_status", {"elder_id": 4, "since": "2026-03-08", "status": "DEAD", "recorded_at": AT,
                          "source": "status", "actor": "cli"}),
        *(
            ("elder_tier", {"elder_id": n, "since": "2026-01-05", "tier": tier, "recorded_at": AT, "actor": "cli"})
            for n, tier in enumerate(("red", "yellow", "green", "red"), 1)
        ),
        ("helper", {**helper, "number": "H1", "ref": "H-1", "name": "李四", "phone": "13600000001",
                    "phone_index": b"p", "email": "h1@example.cn"}),
        ("helper", {**helper, "number": "H2", "ref": "H-2", "name": "周五"}),
        ("helper_leave", {"helper_id": 2, "since": "2026-03-09", "kind": "sick", "cancelled": False}),
        *(("pairing", {**pair, "elder_id": n}) for n in (1, 2, 3, 4)),
    ]  # fmt: skip


def _visits() -> Rows:
    contact = {"elder_id": 1, "helper_id": 1, "channel": "home", "occurred_on": "2026-03-02", "outcome": "MET",
               "note": "精神好", "recorded_at": AT, "recorded_by": "H1", "@": "E-1"}  # fmt: skip
    void = {"voided_at": LATER, "voided_by": "H1", "void_reason": "mistaken"}
    task = {"elder_id": 1, "kind": "FIRST", "cycle": "2026-01-05", "opened_on": "2026-01-05", "tier": "red",
            "plan_on": "2026-03-02", "deadline": "2026-03-05", "through": "2026-03-09", "version": "2025-01-01",
            "helper_id": 1, "state": "DONE", "ended_on": "2026-03-02", "on_time": True}  # fmt: skip
    return [
        ("visit_contact", contact),
        ("visit_contact", {**contact, "elder_id": 2, "@": "E-2", **void}),
        ("visit_task", task),
        ("visit_list", {"day": "2026-03-02", "task_id": 1, "community_id": 1, "helper_id": 1, "urgency": 2,
                        "position": 1, "why": "首次探访"}),
        ("visit_step", {"task_id": 1, "before": "ASSIGNED", "after": "DONE", "helper_before_id": 1,
                        "helper_after_id": 1, "at": AT, "actor": "visits-day"}),
        ("visit_month", {"district_id": 1, "month": "2026-02", "scope": "district", "code": "530112",
                         "as_known": "2026-03-01", "denominator": 4, "numerator": 3, "due": 4, "on_time": 3,
                         "refused": 0, "overdue": 1, "median_resolution": 1.5, "detail": {"red": 1},
                         "version": "2025-01-01"}),
    ]  # fmt: skip


def _issues() -> Rows:
    event = {"issue_id": 1, "event": "open", "at": AT, "actor": "H1", "recorded_at": AT, "recorded_by": "cli"}
    return [
        ("issue", {"district_id": 1, "number": "S1", "elder_id": 1, "kind": "help", "recorded_at": AT}),
        ("issue", {"district_id": 1, "number": "S2", "centre_id": 1, "kind": "other", "slot_id": 1,
                   "item": "facilities", "recorded_at": AT}),
        ("issue_event", {**event, "note": "想装扶手", "@": "S1"}),
        ("issue_event", {**event, "event": "assign", "at": "2026-03-09T09:10"}),
        ("issue_event", {**event, "event": "resolve", "at": "2026-03-09T10:00"}),
        ("issue_event", {**event, "event": "verify", "at": LATER, "satisfied": True}),
        ("issue_escalation", {"issue_id": 1, "level": "lead", "recipient": "C-1", "reached_at": AT, "told_at": AT}),
    ]  # fmt: skip


def _payees() -> Rows:
    staff = {"district_id": 1, "totp_counter": 7, "form_failures": 1, "phone": "13500000001", "email": "g@example.cn"}
    account = {"elder_id": 1, "since": "2026-01-01", "bank": "富滇银行", "account": "6217000010001", "holder": "王桂兰",
               "tail": "0001", "account_index": b"a", "card_index": b"b", "recorded_at": AT, "actor": "cli",
               "@": "E-1"}  # fmt: skip
    proxy = {"proxy_name": "王小明", "proxy_reason": "卧床", "proxy_document": "D1", "proxy_until": "2027-01-01"}
    return [
        ("staff", {**staff, "number": "G1", "ref": "T-1", "name": "经办 甲", "role": "maker"}),
        ("staff", {**staff, "number": "G2", "ref": "T-2", "name": "审批 乙", "role": "approver", "enrolled_at": AT,
                   "totp_secret": "SECRET", "until": "2030-01-01"}),
        ("payee_account", account),
        ("payee_account", {**account, "elder_id": 2, "@": "E-2", **proxy}),
        ("certification", {"elder_id": 1, "certified_on": "2026-01-06", "method": "home", "recorded_at": AT,
                           "actor": "cli"}),
        ("elder_category", {"elder_id": 2, "category": "destitute", "since": "2026-03-01"}),
    ]  # fmt: skip


def _list_of_payments() -> Rows:
    of = {"district_id": 1, "programme": "longevity", "period": "2026-02"}
    right = {"cycle_id": 1, "batch_id": 1, "programme": "longevity", "period": "2026-02", "community_id": 1,
             "band": "age-80", "fen": 8000, "version": "2026-01-01", "notice": "昆民发〔2026〕1号"}  # fmt: skip
    return [
        ("allowance_cycle", {**of, "as_of": "2026-02-28", "version": "2026-01-01", "notice": "昆民发〔2026〕1号",
                             "registered": 4, "entitled": 3, "excluded": 1, "not_of_age": 0, "opened_at": AT,
                             "opened_by": "allowance-plan"}),
        ("allowance_budget", {**of, "fen": 10**13, "recorded_at": AT, "actor": "cli"}),
        ("allowance_batch", {**of, "ref": "B-1", "number": 1, "kind": "plan", "state": "released", "created_at": AT,
                             "created_by": "allowance-plan", "maker_id": 1, "notice_from": "2026-02-20",
                             "notice_until": "2026-02-27", "content_hash": "h1", "released_at": LATER}),
        ("allowance_report", {"cycle_id": 1, "sha256": "s", "at": AT, "figures": {"paid": 1}}),
        *(("entitlement", {**right, "elder_id": n, "person": f"p{n}".encode(), "state": "live"}) for n in (1, 2)),
        ("entitlement", {**right, "elder_id": 4, "person": b"p4", "state": "cancelled", "cancel_reason": "dead"}),
        ("entitlement_change", {"entitlement_id": 3, "what": "cancelled", "reason": "dead", "at": AT, "actor": "s"}),
        ("exclusion", {"cycle_id": 1, "elder_id": 3, "community_id": 1, "band": "age-80", "reason": "no_account",
                       "recorded_at": AT}),
        ("objection", {"cycle_id": 1, "elder_id": 2, "raised_on": "2026-02-21", "text": "户口不在本区", "upheld": False,
                       "recorded_at": AT, "decided_at": LATER, "actor": "cli", "@": "E-2"}),
        ("approval", {"batch_id": 1, "maker_id": 1, "approver_id": 2, "content_hash": "h1", "people": 2, "fen": 16000,
                      "path": "cli", "at": AT}),
    ]  # fmt: skip


def _paid() -> Rows:
    return [
        ("bank_file", {"ref": "F-1", "batch_id": 1, "part": 1, "form": "csv", "name": "DF_F-1.csv",
                       "content": "序号,户名\r\n1,王桂兰\r\n", "sha256": "s", "count": 2, "fen": 16000, "frozen_at": AT,
                       "sent_at": LATER}),
        ("payment", {"entitlement_id": 1, "n": 1, "key": "F1-1", "file_id": 1, "account_id": 1, "fen": 8000,
                     "state": "paid", "booked_on": "2026-03-09"}),
        ("payment", {"entitlement_id": 2, "n": 1, "key": "F1-2", "file_id": 1, "account_id": 2, "fen": 8000,
                     "state": "unknown"}),
        ("payment_change", {"payment_id": 1, "before": "sent", "after": "paid", "at": AT, "source": "bank"}),
        ("bank_line", {"district_id": 1, "key": "F1-1", "fen": 8000, "result": "paid", "reason": "",
                       "booked_on": "2026-03-09", "repeat": 1, "payment_id": 1, "finding": "matched",
                       "recorded_at": AT, "actor": "allowance-reconcile"}),
        ("payment_verdict", {"payment_id": 2, "staff_id": 2, "result": "paid", "booked_on": "2026-03-09",
                             "evidence": "回单 3 号", "at": AT}),
        ("receivable", {"payment_id": 1, "fen": 8000, "reason": "dead", "raised_at": AT, "settled_at": LATER,
                        "settled_by": "G2"}),
        ("ledger_transfer", {"cycle_id": 1, "kind": "release", "debit": "in_transit", "credit": "committed",
                             "fen": 16000, "count": 2, "document": "F-1", "at": AT, "actor": "allowance-release"}),
    ]  # fmt: skip


def _exam() -> Rows:
    """`exam_release` of 0006 stays empty: the program that wrote the first release brought 0007 with it."""
    exam = {"district_id": 1, "held_on": "2026-03-05", "school_group": "senior"}
    student = {"exam_id": 1, "school_id": 1, "class_name": "高二1", "track": "physics"}
    held = {"exam_id": 1, "file_id": 1, "paper_id": 1, "number": "099", "status": "valid", "mark": 700}
    return [
        ("school", {"district_id": 1, "ref": "X-1", "code": "S01", "name": "一中", "contact_name": "钱主任",
                    "contact_email": "s01@example.cn"}),
        ("exam", {**exam, "code": "2025秋", "name": "秋季联考"}),
        ("exam", {**exam, "code": "2026春", "name": "春季联考", "compare_with_id": 1}),
        ("student", {**student, "number": "001", "ref": "P-1", "name": "小明", "contact_email": "p1@example.cn",
                     "contact_verified": True}),
        ("student", {**student, "number": "002", "ref": "P-2", "name": "小红", "contact_verified": False}),
        ("paper", {"exam_id": 1, "subject": "math", "full_marks": 1500, "scaled": False, "scale": 10}),
        ("paper_item", {"paper_id": 1, "code": "1", "place": 1, "full_marks": 50, "point": "集合"}),
        ("exam_file", {"exam_id": 1, "school_id": 1, "sha256": "s", "kept": 2, "unchanged": 0, "refused": 0, "held": 1,
                       "at": AT, "actor": "exam-import"}),
        ("mark", {"paper_id": 1, "student_id": 1, "n": 1, "exam_id": 1, "file_id": 1, "status": "valid", "mark": 1205,
                  "items": b"\x00\x32", "options": "A"}),
        ("mark", {"paper_id": 1, "student_id": 2, "n": 1, "exam_id": 1, "file_id": 1, "status": "absent"}),
        ("mark_held", {**held, "row": 4, "reason": "off_roster"}),
    ]  # fmt: skip


def _released() -> Rows:
    bound = {"exam_id": 1, "version": 1, "content_hash": "c1", "maker_id": 1, "last_file_id": 1,
             "policy_version": "2022-09-01", "reason": "全部报齐"}  # fmt: skip
    return [
        ("exam_proposal", {**bound, "despite_held": True, "waiting": {"S01": 1}, "at": AT}),
        ("exam_release", {**bound, "proposal_id": 1, "policy": {"bands": [90, 60]}, "inputs": {"papers": 1},
                          "students": 2, "figures_hash": "f", "path": "cli", "approver_id": 2, "released_at": LATER}),
        ("exam_release_student", {"release_id": 1, "student_id": 1, "exam_id": 1, "school": "S01",
                                  "class_name": "高二1", "track": "physics"}),
    ]  # fmt: skip


def every_row() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the rows of all revisions."""
    for rows in grown().values():
        yield from rows
