"""A made-up week at the service, for people who want to see it: everybody and everything in it is invented."""
