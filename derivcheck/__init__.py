"""derivcheck: checks derivations of machine-learning mathematics."""
