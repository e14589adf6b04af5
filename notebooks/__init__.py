"""Open and read: they call analysis/ and load results/, and hold no logic."""
