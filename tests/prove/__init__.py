"""Non-interference by search: what an actor may not see changes nothing that this actor receives.

A conversation of random requests is had over a random town. Then cells and rows that none of the
requests can see (the view of `tests/oracle/view.py` says so) are changed in the stores, and the
same conversation is had again: every byte of the answers, every statement with its parameters, what
the database gave back, and every call to the other stores must be the same.

    observe.py   one request over the ASGI interface, and all that it does to the stores
    change.py    what is changed, in the rows that the oracle knows and in the stores alike
    pairs.py     conversations, pairs of them, and what was covered
    writes.py    conversations with mutations, and with lifts that are used
    undo.py      what the server wrote, told and put back
    mutants.py   guards of the product, each broken once: the search or a named test must notice
    timing.py    response times of pairs, compared by ranks
    ledger.py    seeds done so far, and the report
    __main__.py  `make prove`
"""
