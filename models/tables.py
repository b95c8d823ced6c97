"""Every module that defines tables, so that one import registers them all."""

from models import audit, cadre, calendar, district, duty, intake, jobs, messages

__all__ = ["audit", "cadre", "calendar", "district", "duty", "intake", "jobs", "messages"]
