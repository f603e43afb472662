"""Ordering watches: reading files in five forms, answering every line, and carrying out what the law allows."""
