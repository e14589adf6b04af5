"""lm-eval task files of the laboratory, and the one metric that lm-eval lacks for them."""
