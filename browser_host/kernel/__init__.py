"""What the operating system does for the host: processes, users, groups, directories, and the guardian."""
