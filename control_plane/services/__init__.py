"""What callers and hosts call: each service converts, moves or reads, and converts back."""
