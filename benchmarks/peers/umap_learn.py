"""ParametricUMAP of umap-learn, with the defaults of its authors."""

from common import Run, arguments

parser = arguments(__doc__)
parser.add_argument("--epochs", type=int, help="n_epochs (umap-learn: 500 up to 10,000 rows, then 200)")
parser.add_argument("--neighbors", type=int, default=15)
parser.add_argument("--reports", type=int, default=10, help="maps kept along the way; it reports 10 times")
parser.add_argument("--compiled", action="store_true", help="compile numba's code before the clock starts")
options = parser.parse_args()
run = Run(
    "umap-learn ParametricUMAP",
    ["umap-learn", "pynndescent", "numba", "tensorflow", "tensorflow-cpu", "keras", "numpy"],
    options,
)

with run.stage("import"):
    import keras
    import numpy as np
    import umap

with run.stage("load"):
    data = run.load(options)


class Timed(umap.ParametricUMAP):
    """umap-learn calls this once the graph stands."""

    def _fit_embed_data(self, *args, **kwargs):
        run.seconds["graph"] = run.since("total")
        with run.stage("fit"):
            return super()._fit_embed_data(*args, **kwargs)


class KeepMaps(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.step = 0

    def on_epoch_end(self, epoch, logs=None):
        self.step += self.params["steps"]
        if epoch + 1 < self.params["epochs"]:  # the last one is the finished map
            with run.paused():
                seconds = run.since("total")
                run.write_map(seconds, self.step, model.transform(data.train), model.transform(data.held_out))


keras.utils.set_random_seed(options.seed)
if options.compiled:
    with run.stage("compile"):
        shape = min(5000, len(data.train)), data.train.shape[1]
        umap.UMAP(transform_mode="graph").fit(np.random.random(shape).astype(np.float32))

# Up to 4,096 rows umap-learn takes its neighbors from all pairwise distances.
for searcher in ("nearest_neighbors", "pairwise_distances"):
    setattr(umap.umap_, searcher, run.timed("knn", getattr(umap.umap_, searcher)))

# With `random_state` the neighbor search would run on one thread; the seed set above does without it.
keeper = KeepMaps()
model = Timed(
    n_epochs=options.epochs,
    n_neighbors=options.neighbors,
    keras_fit_kwargs={"callbacks": [keeper], "verbose": 2},
)
model.loss_report_frequency = options.reports
with run.stage("total"):
    model.fit(data.train)
held_out = run.transform(model.transform, data.held_out)
run.write_map(run.seconds["total"], keeper.step, model.embedding_, held_out)
run.finish(
    steps=keeper.step,
    epochs=options.epochs,
    neighbors=options.neighbors,
    reports=options.reports,
    batchSize=model.batch_size,
    compiledBefore=options.compiled,
)
