"""What happens by itself: intake, reconcile, poll, sweep."""
