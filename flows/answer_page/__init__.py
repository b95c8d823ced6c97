"""The answer page: a small site of our own, on which a link in a message is answered without the Prefect UI.

gate.py lets a request in -> app.py reads the code of the link -> duty.py, swap.py or optout.py shows it, or does what
was asked through the registers' own store functions -> page.py writes the page. callbacks.py hears the SMS providers.
"""
