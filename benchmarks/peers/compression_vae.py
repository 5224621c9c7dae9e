"""A gradient step of CompressionVAE for Python and of this library, in turns: 64 MNIST images, two latent dimensions.

The clone of the original is not installed: put its folder on PYTHONPATH. Its step includes the queue that feeds it, as its
users have it.
"""

import json
import pathlib
import statistics
import subprocess
import tempfile
import time

from common import Data, arguments

parser = arguments(__doc__)
parser.add_argument("--steps", type=int, default=200, help="gradient steps of each turn")
parser.add_argument("--turns", type=int, default=5)
parser.add_argument("--latent", type=int, default=2, help="latent dimensions")
parser.add_argument("--node", default="node")
options = parser.parse_args()

from cvae import cvae  # noqa: E402

out = pathlib.Path(options.out)
out.parent.mkdir(parents=True, exist_ok=True)
rows = Data(options.data, options.rows or 2000, 0).train
here = pathlib.Path(__file__).parents[2]


def ours():
    """Milliseconds of a step of this library, the median between reports."""
    command = [options.node, str(here / "build/benchmarks/vae.js"), "step"]
    command += ["--steps", str(options.steps), "--latent", str(options.latent)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    return float(json.loads(printed.strip().split("\n")[-1])["ms a step, median"])


started = time.perf_counter()
# A folder of its own: where there is a model already, the original does not train.
logdir = tempfile.mkdtemp()
model = cvae.CompressionVAE(rows, dim_latent=options.latent, logdir=logdir)
built = time.perf_counter() - started
# The first steps, with a test of the held-out rows, do not count. The schedule would end the training.
schedule = {"lr_scheduling": False, "test_every": 10**9, "checkpoint_every": 10**9, "dropout_keep_prob": 1.0}
model.train(num_steps=20, **schedule)
turns = []
for turn in range(options.turns):
    started = time.perf_counter()
    model.train(num_steps=20 + (turn + 1) * options.steps, **schedule)
    theirs = 1000 * (time.perf_counter() - started) / options.steps
    turns.append({"original": theirs, "ours": ours()})
    print(turns[-1], flush=True)

ratio = statistics.median(turn["ours"] / turn["original"] for turn in turns)
out.write_text(json.dumps({"latent": options.latent, "built": built, "turns": turns, "ratio": ratio}))
print(f"original: {built:.1f} s to build; a step of ours takes {ratio:.2f} of one of the original (median of turns)")
