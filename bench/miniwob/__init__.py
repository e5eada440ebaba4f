"""The MiniWoB++ tasks through the public API: what is solved, refused, failed, and claimed without being true."""
