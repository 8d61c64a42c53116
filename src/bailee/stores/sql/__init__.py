"""SQL stores: SQLite and PostgreSQL."""
