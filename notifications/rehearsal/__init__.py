"""A rehearsal of the SMS providers for tests, benches and the demo: server > desk of a provider > ledger > receipts.

`server.Rehearsal` is a real HTTP server on loopback that speaks the providers' own protocols, checks signatures, keeps
a ledger of what it accepted, and misbehaves when told to. Nothing that serves a district may import it.
"""
