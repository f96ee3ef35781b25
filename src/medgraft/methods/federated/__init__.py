"""Transfer between hospitals that share sums and models, never patients."""
