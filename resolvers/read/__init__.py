"""The road of a read: operation, plan, SQL, shape, log."""
