"""Encryption of what is stored: under the master key what lasts, under the pepper what lives hours."""
