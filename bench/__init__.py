"""What is measured, against what, and the last figures (RESULTS.md). `python -m bench --help` says how."""
