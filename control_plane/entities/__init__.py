"""What is kept, and what each thing's life allows: sessions, runs, hosts, profiles and the rest. Pure; no I/O."""
