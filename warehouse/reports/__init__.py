"""The two pages, drawn from the published views and nothing else."""
