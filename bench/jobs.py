"""Which module of the bench measures a job, and why some have no figure of their own but that of a run."""

MEASURED = {
    "duty-plan": ("plan_rule", "plan_job"),
    "duty-day": ("day_watch", "run_cost"),
    "duty-watch": ("day_watch", "run_cost"),
    "duty-report": ("run_cost",),
    "visits-month": ("visits",),
    "visits-day": ("visits", "run_cost"),
    "visits-watch": ("run_cost",),
    "visits-callback": ("run_cost",),
    "allowance-plan": ("allowances", "run_cost"),
    "allowance-notice": ("run_cost",),
    "allowance-release": ("allowances", "run_cost"),
    "allowance-reconcile": ("allowances", "run_cost"),
    "allowance-reissue": ("run_cost",),
    "allowance-stop": ("run_cost",),
    "allowance-report": ("run_cost",),
    "exam-import": ("exam_job", "run_cost"),
    "exam-aggregate": ("exams", "exam_job", "run_cost"),
    "deliver": ("outbox", "outbox_growth", "providers", "run_cost"),
    "watch-jobs": ("run_cost",),
    "reconcile-messages": ("outbox", "providers", "run_cost"),
    "message-report": ("run_cost",),
    "redact-messages": ("run_cost",),
}
"""`run_cost` runs a job once with nothing to do: what it costs there is Prefect and imports."""

_A_FORM = "a form of one record: the cost of a run"
NOT_MEASURED = {
    "duty-record": _A_FORM,
    "visit-record": _A_FORM,
    "status-record": _A_FORM,
    "issue-record": _A_FORM,
    "allowance-approve": "a form of one list; its hash is measured with allowances",
    "allowance-settle": _A_FORM,
    "allowance-hold": _A_FORM,
    "exam-put-forward": _A_FORM,
    "exam-release": "a form of one exam; its figures are measured with exam_job",
    "exam-report": "a form of one exam, a workbook a school; not measured yet",
    "message-gallery": "a button that renders each template once: the cost of a run",
    "district-run": "one job of one district of a city: that job and the cost of a run",
    "run-failed": "started by Prefect when a run has failed: the cost of a run",
    "rotate-keys": "started by hand after new keys; sealing is measured with the imports",
}
"""Job -> why it is in no line of the table."""
