"""What lives in this process only: links to hosts, tunnels, watchers and who waits for a host's answer."""
