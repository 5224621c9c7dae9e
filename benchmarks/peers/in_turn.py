"""Held-out rows placed by umap-learn and by this library in turn.

Where the speed of a machine changes, only what ran side by side can be compared: each places them five times, the median
counts, and ratios are taken turn by turn.
"""

import json
import pathlib
import statistics
import subprocess
import time

from common import Data, arguments, median_seconds

parser = arguments(__doc__)
parser.add_argument("--epochs", type=int, default=5, help="n_epochs of umap-learn; no matter for the time of a row")
parser.add_argument("--backends", nargs="+", default=["wasm"], help="backends of this library")
parser.add_argument("--node", nargs="+", default=["node"], help="programs to run it with")
parser.add_argument("--turns", type=int, default=20)
options = parser.parse_args()
if options.turns < 2:
    parser.error(f"--turns must be at least 2, got {options.turns}")
out = pathlib.Path(options.out)
out.parent.mkdir(parents=True, exist_ok=True)


class Ours:
    """A process of this library that has learned, and places rows when told."""

    def __init__(self, node, backend):
        passed = {"data": options.data, "rows": options.rows, "held-out": options.held_out, "seed": options.seed}
        command = [node, str(pathlib.Path(__file__).with_name("place.mjs")), "--backend", backend, "--out", options.out]
        for name, value in passed.items():
            if value is not None:
                command += [f"--{name}", str(value)]
        version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
        self.name = f"{backend}, Node.js {version}"
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        while self.line() != "ready":
            pass

    def line(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"in_turn: {' '.join(self.process.args)} ended too soon")
        return line.strip()

    def seconds(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.line())


ours = [Ours(node, backend) for node in options.node for backend in options.backends]

import keras  # noqa: E402, after the others have learned: its threads would be in their way
import umap  # noqa: E402

data = Data(options.data, options.rows, options.held_out)
keras.utils.set_random_seed(options.seed)
model = umap.ParametricUMAP(n_epochs=options.epochs, keras_fit_kwargs={"verbose": 2}).fit(data.train)


def theirs():
    return median_seconds(lambda: model.transform(data.held_out))[0]


theirs()
names = ["umap-learn", *(one.name for one in ours)]
ways = [theirs, *(one.seconds for one in ours)]
turns = []
for _ in range(options.turns):
    turn = []
    for way in ways:
        time.sleep(0.05)  # for the threads of the one before to lie down
        turn.append(way())
    turns.append(turn)

rows = len(data.held_out)
result = {}
print("| | rows a second | times umap-learn | quarters of the turns |\n|---|---|---|---|")
for i, name in enumerate(names):
    ratios = statistics.quantiles([turn[0] / turn[i] for turn in turns], n=4)
    speed = rows / statistics.median(turn[i] for turn in turns)
    result[name] = {"rowsPerSecond": round(speed), "ratio": ratios[1], "quartiles": [ratios[0], ratios[2]]}
    print(f"| {name} | {speed:,.0f} | {ratios[1]:.2f} | {ratios[0]:.2f} to {ratios[2]:.2f} |")
out.write_text(json.dumps({"turns": turns, "result": result}, indent=2) + "\n")
