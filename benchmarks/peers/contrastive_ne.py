"""Parametric contrastive-ne, with the defaults of its authors unless told otherwise."""

from common import Run, arguments

parser = arguments(__doc__)
parser.add_argument("--epochs", type=int, default=200)
parser.add_argument("--loss", default="infonce", choices=["infonce", "neg", "nce", "umap"])
parser.add_argument("--optimizer", default="sgd", choices=["sgd", "adam"])
parser.add_argument("--batch-size", type=int, default=2**15)
parser.add_argument("--rate", type=float, default=0.001, help="learning rate")
parser.add_argument("--neighbors", type=int, default=15, help="not counting the row itself")
parser.add_argument("--reports", type=int, default=10, help="maps kept along the way")
options = parser.parse_args()
run = Run("contrastive-ne, parametric", ["contrastive-ne", "annoy", "torch", "numpy"], options)

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
    if not 0 <= epoch < options.epochs - 1:
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
    parametric=True,
    k=options.neighbors,
    seed=options.seed,
    loss_mode=options.loss,
    optimizer=options.optimizer,
    batch_size=options.batch_size,
    learning_rate=options.rate,
    n_epochs=options.epochs,
    save_freq=max(1, options.epochs // options.reports),
    callback=keep_map,
)
with run.stage("total"):
    model.fit(data.train)
    train_map = model.transform(data.train)
steps = sum(len(epoch) for epoch in model.cne.losses)
run.write_map(run.seconds["total"], steps, train_map, run.transform(model.transform, data.held_out))
run.finish(
    steps=steps,
    epochs=options.epochs,
    neighbors=options.neighbors,
    batchSize=options.batch_size,
    loss=options.loss,
    optimizer=options.optimizer,
    learningRate=options.rate,
)
