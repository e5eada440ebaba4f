"""The control plane: stores sessions, runs and workflows, and schedules them onto browser hosts.

Tasks that live as long as the process, each started in `server`'s TaskGroup: the store's writer, the deadline
loop, and one writer per attached host.
"""
