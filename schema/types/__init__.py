"""GraphQL types, scalars and directives, and the root fields of queries."""
