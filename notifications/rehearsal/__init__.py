"""A rehearsal of the SMS providers for tests, benches and the demo: server > desk of a provider > ledger > receipts.

`server.Rehearsal` is a real HTTP server on loopback that speaks the providers' own protocols, checks signatures, keeps
a ledger of what it accepted, and misbehaves when told to:

    with Rehearsal(Account(aliyun={"SMS_1": Approved("您好，${name}。")})) as rehearsal:
        rehearsal.faults.then("accept-timeout", Fault("429", seconds=3))
        ...                                     # send to rehearsal.url
        assert not rehearsal.ledger.duplicates()["by_call"]

It has threads, so processes that fork start it as a process of its own (`python -m notifications.rehearsal`) and speak
to it through `control`. Nothing that serves a district may import it.
"""
