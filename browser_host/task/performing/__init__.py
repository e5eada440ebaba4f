"""Carries out single actions, and checks that they landed."""
