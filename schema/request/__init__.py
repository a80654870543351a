"""One GraphQL request: document, limits, answer, errors."""
