"""Staff: who may sign in, with which roles."""
