"""Departments' clients: registered, authenticated, given tokens."""
