"""HTTP: hooks for the providers, health and metrics. No SQL, no decisions."""
