"""What is computed: files to tidy rows, rows to responses, responses to persistence, persistence to association."""
