"""Bytes beside the database: artifacts, files and browser states on the disk."""
