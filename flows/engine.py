"""One run of a job: Prefect's engine with a patient collector -> the flow.

Nine tenths of a short run are imports, whose objects all stay: looking through them again and again for garbage was a
seventh of its CPU. The worker starts this instead of `python -m prefect.engine`.
"""

import gc
import runpy

YOUNG = 50_000
"""New objects before the collector looks; Python's own 700 are for programs that live on."""

if __name__ == "__main__":
    gc.set_threshold(YOUNG, 10, 10)
    runpy.run_module("prefect.engine", run_name="__main__", alter_sys=True)
