"""What runs and when: Prefect flows, the command line, the demo study."""
