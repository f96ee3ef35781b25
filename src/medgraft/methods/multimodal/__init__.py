"""Several kinds of data of one patient: their parts in a fusion, and one kind's forecast for another."""
