"""What changes the store: each move loads, decides and writes within one transaction."""
