"""The nano laboratory: a made-up world, a model that knows it, and a judge that knows it better."""
