"""Attacks on the commands: files, processes and disks as they should not be."""
