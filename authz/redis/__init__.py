"""How this server speaks with Redis, and the embedded server."""
