"""Personal models that learn window by window, from a population's start and few labels."""

REGISTERS = False  # models of one person's stream, not arms of a trial
