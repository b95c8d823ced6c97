"""Why an exam is not released: each refusal names the exam, what is wrong, and what to do. No personal data."""

from dataclasses import dataclass

from rules.errors import TuoqiError


class ReleaseRefused(TuoqiError):
    """Nothing was put forward or released."""


@dataclass(eq=False)
class NoExam(ReleaseRefused):
    """There is no exam of this code in the district."""

    exam: str
    zh = "没有编号为 {exam} 的考试；请在考试登记表中核对编号。"
    en = "there is no exam {exam}; check its code in the register of exams."


@dataclass(eq=False)
class NoPapers(ReleaseRefused):
    """Nothing was sat."""

    exam: str
    zh = "考试 {exam} 还没有科目；请先导入科目表（paper），再提交发布。"
    en = "exam {exam} has no papers yet; import the register of papers first."


@dataclass(eq=False)
class NoMarks(ReleaseRefused):
    """Nobody has a mark."""

    exam: str
    zh = "考试 {exam} 还没有收到任何成绩；请先导入成绩，再提交发布。"
    en = "no marks of exam {exam} have come yet; import them first."


@dataclass(eq=False)
class StillWaiting(ReleaseRefused):
    """Rows are held out, or schools have sent nothing, and the maker did not say that this is known."""

    exam: str
    waiting: str
    zh = (
        "考试 {exam} 还有未解决的成绩：{waiting}。暂不入库的不计入统计，没有报送的按缺考计。"
        "请先请学校更正或补报；确需照此发布的，提交时明确选择“仍然提交”（会记录在案，并写入审批表）。"
    )
    en = (
        "exam {exam} is not settled: {waiting}. What is held is not counted, and who has no row counts as absent. "
        "Have the schools send it; if it is to be released all the same, say so (despite_held), which is recorded."
    )


@dataclass(eq=False)
class NothingChanged(ReleaseRefused):
    """The next release would be the last one over again."""

    exam: str
    version: int
    zh = "考试 {exam} 自第 {version} 版发布以来没有任何变化，不需要再发布。"
    en = "nothing of exam {exam} has changed since release {version}; there is nothing to release."


@dataclass(eq=False)
class ReasonMissing(ReleaseRefused):
    """From the second release on the reason has to be said."""

    exam: str
    version: int
    zh = "考试 {exam} 将发布第 {version} 版，请写明原因（如“数学第21题评分复核”，不写学生信息）。"
    en = "exam {exam} is to be released as version {version}: give the reason, without naming a student."


@dataclass(eq=False)
class ReasonTooLong(ReleaseRefused):
    """It has to fit on a sheet and in a mail."""

    exam: str
    most: int
    zh = "考试 {exam} 的发布原因太长或含有换行；请写成一行，不超过 {most} 个字。"
    en = "the reason for releasing exam {exam} is too long or has line breaks; one line of at most {most} characters."


@dataclass(eq=False)
class NothingForward(ReleaseRefused):
    """Nobody put the exam forward since its last release."""

    exam: str
    zh = "考试 {exam} 目前没有待审批的发布；请经办人先提交，或用 tuoqi exam releases 查看已发布的版本。"
    en = "nothing of exam {exam} waits for approval; put it forward first, or see `tuoqi exam releases`."


@dataclass(eq=False)
class OwnRelease(ReleaseRefused):
    """Who put it forward may not approve it."""

    exam: str
    zh = "考试 {exam} 的发布由您经办提交，须由另一位审批人审批。"
    en = "you put exam {exam} forward; somebody else has to approve it."


@dataclass(eq=False)
class WrongReleaseCode(ReleaseRefused):
    """The confirmation code is not that of what was put forward last."""

    exam: str
    zh = "确认码与考试 {exam} 当前提交的内容不符，没有发布；请核对最新的审批表（重新提交后旧表作废）。"
    en = "the confirmation code is not that of what was put forward of exam {exam}; check the latest sheet."


@dataclass(eq=False)
class ChangedSince(ReleaseRefused):
    """Something changed after it was put forward, so nobody has approved what it is now."""

    exam: str
    zh = "考试 {exam} 在提交之后有变动（成绩、名册、科目、政策等），没有发布；请经办人重新提交，再审批新的审批表。"
    en = "exam {exam} changed after it was put forward; nothing was released. Put it forward again and approve that."


@dataclass(eq=False)
class NoRelease(ReleaseRefused):
    """The exam has no such release."""

    exam: str
    version: int
    zh = "考试 {exam} 没有第 {version} 版；请用 tuoqi exam releases 查看已发布的版本。"
    en = "exam {exam} has no release {version}; see `tuoqi exam releases`."


@dataclass(eq=False)
class ReleaseDiffers(TuoqiError):
    """A release worked out again is not what was released: nothing may go out under its name."""

    exam: str
    version: int
    zh = (
        "警告：考试 {exam} 第 {version} 版重新计算的结果与当时发布的不一致，没有输出。可能是算法变了，或数据库被改动："
        "请用发布时的程序版本重新生成，并执行 tuoqi audit verify；查明之前不要使用该版数据。"
    )
    en = (
        "WARNING: release {version} of exam {exam}, worked out again, is NOT what was released; nothing was written. "
        "Either the program reckons differently or the database was changed: use the program of that day, and "
        "run `tuoqi audit verify`. Do not use the figures until that is explained."
    )


@dataclass(eq=False)
class NotReleased(TuoqiError):
    """Nothing of this exam may leave the house yet."""

    code: str
    zh = "考试 {code} 还没有发布，未发送任何内容；请先由审批人批准发布（exam-release），再运行本作业。"
    en = "{code} is not released, so nothing was sent; have it approved first (exam-release), then run this again."


@dataclass(eq=False)
class Superseded(TuoqiError):
    """A later release exists; what an older one says is no longer sent."""

    code: str
    version: int
    latest: int
    zh = "考试 {code} 的第 {version} 版不是最新发布（最新为第 {latest} 版），未发送；请把版本留空或填 {latest}。"
    en = "release {version} of {code} is not the latest, which is {latest}; nothing was sent. Leave the version open."
