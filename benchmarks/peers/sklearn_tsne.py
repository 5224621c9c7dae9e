"""t-SNE of scikit-learn (Barnes-Hut). It places no new rows. Meant for 10,000 rows at most."""

from common import Run, arguments

parser = arguments(__doc__)
parser.add_argument("--epochs", type=int, default=1000, help="max_iter")
parser.add_argument("--perplexity", type=float, default=30)
options = parser.parse_args()
run = Run("scikit-learn t-SNE", ["scikit-learn", "numpy"], options)

with run.stage("import"):
    from sklearn.manifold import TSNE

with run.stage("load"):
    data = run.load(options)

model = TSNE(
    perplexity=options.perplexity, max_iter=options.epochs, random_state=options.seed, n_jobs=-1
)
with run.stage("total"):
    embedding = model.fit_transform(data.train)
steps = model.n_iter_ + 1  # scikit-learn gives the number of the last iteration, from 0
run.write_map(run.seconds["total"], steps, embedding)
run.finish(steps=steps, perplexity=options.perplexity, epochs=options.epochs)
