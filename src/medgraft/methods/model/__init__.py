"""Transfer of a fitted model's coefficients."""
