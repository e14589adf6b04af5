"""The notebooks, and the command that executes them; they use `analysis` and committed results."""
