"""What the numbers mean: text statistics, intervals, length control, pictures. Pure functions."""
