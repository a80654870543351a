"""Mutations as GraphQL declares them."""
