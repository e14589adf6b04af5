"""One small file for each figure of the paper, and for the pictures that it lacks."""
