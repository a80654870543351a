"""The public face: GraphQL types, HTTP, limits, errors."""
