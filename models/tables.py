"""Every module that defines tables, so that one import registers them all."""

from models import answers, audit, cadre, calendar, district, duty, intake, jobs, messages

__all__ = ["answers", "audit", "cadre", "calendar", "district", "duty", "intake", "jobs", "messages"]
