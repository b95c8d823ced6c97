"""The dated rule book: one YAML file per job, read by `policies.book`."""
