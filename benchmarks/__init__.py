"""Speed and memory on PostgreSQL, as ratios to a bare COPY of the same rows: `make bench`, docs/performance.md."""
