"""Tests of the judge without an API."""
