"""Random towns, policies, actors and requests, from the model and the schema themselves.

No list of fields, columns or coordinates is kept here: a record item that is added tomorrow is in
tomorrow's towns and requests.

    dice.py     where chance comes from: hypothesis (which shrinks) or a seed (which is fast)
    town.py     rows for every table
    policy.py   lines for a policy
    actor.py    who asks, what for
    request.py  documents with variables
"""
