"""Views of signals (ECG, EEG, wearables)."""
