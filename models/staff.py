"""Staff 工作人员: who makes a payment list 经办 and who approves it 审批, and the authenticator that proves it.

The secret of an authenticator is sealed under staff.totp_secret and the reference; `totp_counter` is the last time step
that was used, so no code works twice, nor an older one after a newer one.
"""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.db import Instant
from models.messages import one_of

ROLES = ("maker", "approver", "both")


class Staff(SQLModel, table=True):
    """A civil-affairs officer, known by the staff number."""

    __table_args__ = (
        UniqueConstraint("district_id", "number"),
        CheckConstraint(one_of("role", ROLES), name="role"),
        CheckConstraint("(totp_secret IS NULL) = (enrolled_at IS NULL)", name="enrolled"),
        CheckConstraint("form_failures >= 0", name="failures"),
    )
    id: int | None = Field(default=None, primary_key=True)
    district_id: int = Field(foreign_key="district.id")
    number: str
    ref: str = Field(unique=True)
    name: bytes = Field(sa_type=LargeBinary, description="sealed")
    phone: bytes | None = Field(default=None, sa_type=LargeBinary, description="sealed")
    email: bytes | None = Field(default=None, sa_type=LargeBinary, description="sealed")
    role: str
    until: date | None = Field(default=None, description="last day of office")
    totp_secret: bytes | None = Field(default=None, sa_type=LargeBinary, description="sealed")
    enrolled_at: datetime | None = Field(default=None, sa_type=Instant)
    totp_counter: int = Field(default=0, description="the last time step used, 30 s each")
    form_failures: int = Field(default=0, description="wrong tries on the form since the last right one")
    form_locked_until: datetime | None = Field(default=None, sa_type=Instant)
