"""The specification in executable form: what an answer must be, worked out the slow and plain way.

graphql-core's ordinary `execute` over the schema's SDL, with resolvers over rows in lists of dicts.
Every cell is decided by asking Casbin's `enforce`, and taken from the view of `view.py`. Nothing
here plans, compiles SQL or shapes: of the server it shares the model (`models/`), the seal of ids,
and Casbin's lines.

    policy.py    what a role may see: enforce, invariants, reasons
    state.py     the rows, who is covered, who is in a population
    operands.py  filters in three-valued logic, orderings, places
    schema.py    the executable schema: each field asks the evaluation
    answer.py    the evaluation: what is refused, hidden, and answered
"""
