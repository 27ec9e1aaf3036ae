"""What must hold: every column, table, rule, reason and the study file, each declared once."""
