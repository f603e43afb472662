"""What people fill in about watches, connections and agreements."""

from subscriptions.forms.watches import FindWatches, WatchFilter

__all__ = ["FindWatches", "WatchFilter"]
