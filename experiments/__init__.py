"""What the paper did: runs, tables, the workflow that makes them, and the scales they run at."""
