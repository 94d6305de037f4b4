import numpy as np

print(int(np.arange(1000).sum()))
