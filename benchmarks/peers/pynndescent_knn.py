"""pynndescent alone, asked as umap-learn asks it; compiled beforehand, so that only the search is timed."""

import math

from common import Run, arguments

parser = arguments(__doc__)
parser.add_argument("--neighbors", type=int, default=15, help="the row itself included")
options = parser.parse_args()
run = Run("pynndescent", ["pynndescent", "numba", "numpy"], options)

with run.stage("import"):
    import numpy as np
    from pynndescent import NNDescent

with run.stage("load"):
    data = run.load(options)


def search(rows):
    index = NNDescent(
        rows,
        n_neighbors=options.neighbors,
        n_trees=min(64, 5 + round(math.sqrt(len(rows)) / 20)),
        n_iters=max(5, round(math.log2(len(rows)))),
        max_candidates=60,
        low_memory=True,
        n_jobs=-1,
        random_state=options.seed,
        compressed=False,
    )
    return index.neighbor_graph[0]


with run.stage("compile"):
    search(np.random.default_rng(options.seed).random((2000, data.train.shape[1]), np.float32))
with run.stage("total"), run.stage("knn"):
    neighbors = search(data.train)
run.write_neighbors(neighbors)
run.finish(neighbors=options.neighbors)
