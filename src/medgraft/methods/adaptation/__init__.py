"""Deep domain adaptation: train a network so that it sees source and target alike."""
