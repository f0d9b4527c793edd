"""What a person starts: backfill, plan, undo, rebuild, forget, replay, propose."""
