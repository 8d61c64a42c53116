"""Making a dataset under an agreement and publishing it: plan, tasks, tables, evidence."""
