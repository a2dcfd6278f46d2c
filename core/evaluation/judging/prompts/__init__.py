"""What a judge is told."""
