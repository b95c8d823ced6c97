"""A rehearsal of the bank for tests and the demo: outbox > taken > its own ledger > return files. Never in production.

    bank = RehearsalBank(folder, form, Script(returned={"7": "AC04"}), deduplicate=False)
    ...                                    # write bank files to bank.outbox
    bank.take_all()                        # the bank has them now, and has paid
    bank.reply("pain.002")                 # its answers, in bank.returns
    bank.reply_later("csv")                # what comes days afterwards: late lines, 退汇
    assert bank.totals().by_key == ...     # what it really paid, to the fen

It knows nothing of our database: what it counts is what we are measured by. Kill tests run it as a process of its own,
`python -m flows.rehearsal_bank`.
"""

from flows.rehearsal_bank.bank import InProduction, RehearsalBank
from flows.rehearsal_bank.ledger import Taken, Totals
from flows.rehearsal_bank.script import Script

__all__ = ["InProduction", "RehearsalBank", "Script", "Taken", "Totals"]
