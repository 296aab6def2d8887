"""What happens when a host asks for a chart: the pool, the fetch loop, the client, the settings and the command."""
