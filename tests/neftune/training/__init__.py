"""Tests of `neftune.training`; skipped where the extra `training` is not installed."""

from tests.extras import needs

needs("training")
