"""The layout of umap-learn, and its placing of new rows, from a graph and neighbors that benchmarks/layout.ts has written.

Reads job.json and the tables beside it in FOLDER, and writes map.f32, placed.f32 and result.json there. Everything is compiled
before the clock starts, and runs on one thread. Only the optimization is timed.

    python benchmarks/peers/umap_layout.py FOLDER
"""

import json
import pathlib
import sys
import time

import numba
import numpy as np
import scipy.sparse
import umap
import umap.umap_ as umap_

numba.set_num_threads(1)
folder = pathlib.Path(sys.argv[1])
job = json.loads((folder / "job.json").read_text())
seconds = {"wall": 0.0, "cpu": 0.0}


def table(name, kind, columns=None):
    flat = np.fromfile(folder / name, kind)
    return flat if columns is None else flat.reshape(-1, columns)


def timed(function):
    """The same function; the time of its last call is in `seconds`."""

    def call(*args, **kwargs):
        wall, cpu = time.perf_counter(), time.process_time()
        result = function(*args, **kwargs)
        seconds.update(wall=time.perf_counter() - wall, cpu=time.process_time() - cpu)
        return result

    return call


optimize = timed(umap_.optimize_layout_euclidean)
umap_.optimize_layout_euclidean = optimize
rows = job["rows"]
start = table("start.f32", "<f4", 2)
neighbors = table("neighbors.i32", "<i4", job["k"]), table("distances.f32", "<f4", job["k"])


def lay_out(epochs):
    graph = scipy.sparse.coo_matrix(
        (table("weight.f32", "<f4"), (table("head.i32", "<i4"), table("tail.i32", "<i4"))), shape=(rows, rows)
    )
    random = np.random.RandomState(job["seed"])
    settings = job["a"], job["b"], job["strength"], job["negatives"], epochs, start, random
    return umap_.simplicial_set_embedding(None, graph, 2, 1.0, *settings, "euclidean", {}, False, {}, False)[0]


def place(layout, epochs):
    """As in `UMAP.transform`, from the search of neighbors on, with a local connectivity of 1."""
    indices, distances = neighbors
    sigmas, rhos = umap_.smooth_knn_dist(distances, float(job["k"]), local_connectivity=0.0)
    heads, tails, values, _ = umap_.compute_membership_strengths(indices, distances, sigmas, rhos, bipartite=True)
    graph = scipy.sparse.coo_matrix((values, (heads, tails)), shape=(len(indices), rows))
    placed = umap_.init_graph_transform(graph.tocsr(), layout)
    graph.data[graph.data < graph.data.max() / float(epochs)] = 0.0
    graph.eliminate_zeros()
    state = np.random.RandomState(42).randint(-(2**31) + 1, 2**31 - 1, 3).astype(np.int64)
    return optimize(
        placed, layout.astype(np.float32, copy=True), graph.row, graph.col, epochs, rows,
        umap_.make_epochs_per_sample(graph.data, epochs), job["a"], job["b"], state, job["strength"], 0.25,
        job["negatives"], False,
    )


place(lay_out(2), 2)
layout = lay_out(job["epochs"])
result = {"version": umap.__version__, "layout": dict(seconds)}
placed = place(layout, job["placementEpochs"])
result["placement"] = dict(seconds)
layout.astype("<f4").tofile(folder / "map.f32")
placed.astype("<f4").tofile(folder / "placed.f32")
(folder / "result.json").write_text(json.dumps(result))
