"""Ten lines from a table to a verdict: one part of a cohort helps a small other part, or it does not."""

import numpy as np
from sklearn.datasets import load_breast_cancer

import medgraft as mg

table = load_breast_cancer(as_frame=True).frame  # 569 real patients
table["tumour"] = np.where(table.pop("target") == 0, "malignant", "benign")
table["size"] = np.where(table.pop("mean area") > 700, "large", "small")  # a shift that is easy to see
cohort = mg.read(table, label="tumour", positive="malignant", domain="size")
result = mg.Trial(cohort, target="large", labels_per_class=5, repeats=3).run("example-run", progress=True)
print(result)
print(mg.write_report("example-run"))
