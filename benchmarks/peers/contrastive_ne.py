"""contrastive-ne, parametric or with `--points` without a network, with the defaults of its authors unless told otherwise."""

from common import Run, arguments

parser = arguments(__doc__)
parser.add_argument("--epochs", type=int, default=200)
parser.add_argument("--loss", default="infonce", choices=["infonce", "neg", "nce", "umap"])
parser.add_argument("--optimizer", default="sgd", choices=["sgd", "adam"])
parser.add_argument("--batch-size", type=int, default=2**15)
parser.add_argument("--rate", type=float, help="learning rate (default: 0.001, or 1 with --points)")
parser.add_argument("--points", action="store_true", help="train a point for each row instead of a network")
parser.add_argument("--negatives", type=int, default=5)
parser.add_argument("--s", type=float, help="place on the spectrum")
parser.add_argument("--exact", action="store_true", help="neighbors by scikit-learn, not by annoy")
parser.add_argument("--neighbors", type=int, default=15, help="not counting the row itself")
parser.add_argument("--reports", type=int, default=10, help="maps kept along the way")
options = parser.parse_args()
kind = "points" if options.points else "parametric"
rate = options.rate if options.rate is not None else (1.0 if options.points else 0.001)
run = Run(f"contrastive-ne, {kind}", ["contrastive-ne", "annoy", "torch", "numpy"], options)

with run.stage("import"):
    import cne
    import torch

with run.stage("load"):
    data = run.load(options)


def train(embedding, loader, *args):
    """contrastive-ne calls this once the graph stands."""
    run.seconds["graph"] = run.since("total")
    run.result["stepsPerEpoch"] = int(len(loader))
    with run.stage("fit"):
        return original_train(embedding, loader, *args)


def keep_map(epoch, model, *_):
    """contrastive-ne calls this once before the first epoch and then every `save_freq` epochs."""
    if options.points or not 0 <= epoch < options.epochs - 1:
        return
    with run.paused(), torch.no_grad():
        seconds, step = run.since("total"), (epoch + 1) * run.result["stepsPerEpoch"]
        train_map, held_out_map = (
            model[1](torch.from_numpy(part)).numpy() for part in (data.train, data.held_out)
        )
        run.write_map(seconds, step, train_map, held_out_map)


original_train = cne.ContrastiveEmbedding.fit
cne.ContrastiveEmbedding.fit = train

torch.manual_seed(options.seed)
model = cne.CNE(
    parametric=not options.points,
    k=options.neighbors,
    seed=options.seed,
    loss_mode=options.loss,
    optimizer=options.optimizer,
    batch_size=options.batch_size,
    learning_rate=rate,
    negative_samples=options.negatives,
    s=options.s,
    n_epochs=options.epochs,
    save_freq=max(1, options.epochs // options.reports),
    callback=keep_map,
)


def exact_graph(rows):
    """The neighbors of each row and of those that it is a neighbor of, as contrastive-ne has them."""
    from sklearn.neighbors import kneighbors_graph

    directed = kneighbors_graph(rows, options.neighbors, n_jobs=-1)
    return directed.maximum(directed.T)


with run.stage("total"):
    model.fit(data.train, graph=exact_graph(data.train) if options.exact else None)
    train_map = model.transform(data.train)
steps = sum(len(epoch) for epoch in model.cne.losses)
held_out_map = None if options.points else run.transform(model.transform, data.held_out)
run.write_map(run.seconds["total"], steps, train_map, held_out_map)
run.finish(
    steps=steps,
    epochs=options.epochs,
    neighbors=options.neighbors,
    batchSize=options.batch_size,
    loss=options.loss,
    optimizer=options.optimizer,
    learningRate=rate,
    negatives=options.negatives,
    s=options.s,
)
