"""Our figures beside their floors: `python -m bench [--quick]`; what each floor is, its module says."""
