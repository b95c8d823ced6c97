"""What the month's report shows, once for workbook and page: lines of places and categories, columns of figures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, NamedTuple

from flows.visit_month_count import Review
from notifications.visit_month import permille
from rules.errors import say
from rules.issues_kpi import BUCKETS
from rules.registers.elders import SPECIAL_DIFFICULTIES
from rules.visits_kpi import REASONS, DayKind
from rules.visits_month import Figures, Scope

Shape = Literal["count", "rate", "days"]
Value = int | float | None
"""A count; a rate rounded down to thousandths, as the letter tells it; workdays to hundredths; None: nothing to say."""
Face = Literal["known", "now"]


class Line(NamedTuple):
    """One line of the report: of a place or a category, in both faces; `of` None where a face does not know it."""

    label: str
    known: Figures | None
    now: Figures | None

    def face(self, which: Face) -> Figures | None:
        """Return the figures of one face."""
        return self.known if which == "known" else self.now


class Column(NamedTuple):
    """One column: what it is called, and what it shows of figures."""

    zh: str
    en: str
    shape: Shape
    value: Callable[[Figures], Value]

    @property
    def header(self) -> str:
        """The header in the language of this run."""
        return say(self.zh, self.en)


@dataclass(frozen=True, slots=True)
class Pages:
    """The lines of one reader's report: the place itself, those in it, the communities, and the categories."""

    title: str
    scope: Scope
    own: Line
    offices: list[Line]
    communities: list[Line]
    categories: list[Line]

    @property
    def places(self) -> list[Line]:
        """Every place, from the whole to its communities."""
        return [self.own, *self.offices, *self.communities]


def pages_of(review: Review, scope: Scope, title: str) -> Pages:
    """Gather what the readers of a district or of one sub-district may see: nothing of any other.

    Args:
        review: the month.
        scope: of the district or a sub-district.
        title: name of the place.
    """
    mine = {n: home for n, home in review.places.items() if scope.place == "district" or _in(home.office_id, scope)}
    offices = {home.office_id: home.office for home in mine.values()} if scope.place == "district" else {}
    many = len(offices) > 1
    names = {n: f"{home.office} · {home.community}" if many else home.community for n, home in mine.items()}
    return Pages(
        title,
        scope,
        _line(review, scope, title),
        [_line(review, Scope("subdistrict", str(number)), name) for number, name in offices.items()],
        [_line(review, Scope("community", str(number)), name) for number, name in names.items()],
        [line for name in SPECIAL_DIFFICULTIES if (line := _category(review, scope, name)).known or line.now],
    )


def _in(office: int, scope: Scope) -> bool:
    return scope.place == "subdistrict" and str(office) == scope.code


def _line(review: Review, scope: Scope, label: str) -> Line:
    return Line(label, review.known.get(scope), review.now.get(scope))


def _category(review: Review, scope: Scope, name: str) -> Line:
    return _line(review, scope._replace(category=name), say(SPECIAL_DIFFICULTIES[name], name.replace("_", " ")))


def _share(of: Callable[[Figures], Fraction | None]) -> Callable[[Figures], Value]:
    def told(figures: Figures) -> Value:
        thousandths = permille(of(figures))
        return None if thousandths is None else thousandths / 1000

    return told


def _days(of: Callable[[Figures], Fraction | None]) -> Callable[[Figures], Value]:
    def told(figures: Figures) -> Value:
        value = of(figures)
        return None if value is None else round(float(value), 2)

    return told


def _satisfied(figures: Figures) -> Fraction | None:
    given = figures.issues
    return Fraction(given.satisfied, given.answered) if given.answered else None


def _reason(kind: DayKind) -> Callable[[Figures], Value]:
    return lambda figures: figures.visits.left_out[kind]


def _age(name: str) -> Callable[[Figures], Value]:
    return lambda figures: figures.issues.ageing[name]


COUNTED = Column("应探访", "To visit", "count", lambda f: f.visits.counted)
VISITED = Column("已探访", "Visited", "count", lambda f: f.visits.visited)
RATE = Column("月探访率", "Visit rate", "rate", _share(lambda f: f.visits.value))
DUE = Column("到期任务", "Tasks due", "count", lambda f: f.on_time.due)
ON_TIME = Column("按时率", "On time", "rate", _share(lambda f: f.on_time.value))
OVERDUE = Column("逾期", "Overdue", "count", lambda f: f.on_time.overdue)
RESOLVED = Column("已解决", "Resolved", "count", lambda f: f.issues.resolved)
MEDIAN = Column("中位用时", "Median", "days", _days(lambda f: f.issues.median_net))
P90 = Column("P90用时", "P90", "days", _days(lambda f: f.issues.p90_net))
OPEN = Column("未解决", "Open", "count", lambda f: f.issues.open)
LATE = Column("超期未解决", "Open, late", "count", lambda f: f.issues.overdue)
SATISFIED = Column("满意率", "Satisfied", "rate", _share(_satisfied))

CHECKS = Column("其中上门核实", "Checks among", "count", lambda f: f.checks.due)
CHECKS_ON_TIME = Column("核实按时率", "Checks on time", "rate", _share(lambda f: f.checks.value))

VISITS: Sequence[Column] = (COUNTED, VISITED, RATE, DUE, ON_TIME, OVERDUE, CHECKS, CHECKS_ON_TIME)
LEFT_OUT: Sequence[Column] = (
    COUNTED,
    Column("绿色人数", "Green", "count", lambda f: f.visits.green),
    Column("绿色已探访", "Green visited", "count", lambda f: f.visits.green_visited),
    *(
        Column(zh, en, "count", _reason(kind))
        for kind, (zh, en) in zip(
            REASONS,
            (
                ("去世", "Died"),
                ("迁出", "Moved out"),
                ("入住机构", "Care home"),
                ("拒绝", "Refused"),
                ("住院", "Hospital"),
                ("外出", "Away"),
                ("本月登记", "Registered late"),
                ("绿色为主", "Mostly green"),
            ),
            strict=True,
        )
    ),
)
ISSUES: Sequence[Column] = (
    RESOLVED,
    MEDIAN,
    P90,
    Column("中位用时(含等待)", "Median gross", "days", _days(lambda f: f.issues.median_gross)),
    Column("P90(含等待)", "P90 gross", "days", _days(lambda f: f.issues.p90_gross)),
    OPEN,
    Column("未解决中位时长", "Open age", "days", _days(lambda f: f.issues.median_open_age)),
    LATE,
    *(Column(f"{name}天", f"{name} d", "count", _age(name)) for name, _ in BUCKETS),
    Column("回访答复", "Answers", "count", lambda f: f.issues.answered),
    SATISFIED,
)
CATEGORY: Sequence[Column] = (*VISITS, RESOLVED, MEDIAN, P90, OPEN, LATE, SATISFIED)
