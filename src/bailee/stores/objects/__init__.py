"""Object storage: local disk and S3-compatible."""
