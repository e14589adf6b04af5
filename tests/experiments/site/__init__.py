"""Tests of experiments.site."""
