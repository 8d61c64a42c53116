"""Where keys lie: a file, or a key-management service."""
