"""The databases: two dialects, migrations, append-only tables, column rights."""
