"""Transfer of representations of wide molecular tables."""
