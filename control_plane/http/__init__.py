"""HTTP/JSON beside gRPC: one more thin door on the same services."""
