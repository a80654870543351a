"""The demo town at work: its staff, its clients, its protected persons."""
