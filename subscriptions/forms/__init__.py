"""What people fill in about watches, connections and agreements."""

from subscriptions.forms.watches import NO_IDENTITY_NUMBER, FindWatches, WatchFilter

__all__ = ["NO_IDENTITY_NUMBER", "FindWatches", "WatchFilter"]
