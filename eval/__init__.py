"""What a model is worth: its responses, and win rates by the real alpaca-eval."""
