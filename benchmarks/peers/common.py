"""What every Python driver shares: arguments, data, the clock and the result file.

NumPy is imported inside the functions, so that the import time of a peer counts everything it needs.
"""

import argparse
import contextlib
import gzip
import importlib.metadata
import json
import os
import pathlib
import platform
import resource
import statistics
import sys
import time


def arguments(description):
    """The options that all drivers understand; a driver may add its own before parsing."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--data", required=True, help="folder with the four MNIST .gz files, or digits.csv")
    parser.add_argument("--rows", type=int, help="training rows (default: 60,000 of MNIST, 1,500 of digits)")
    parser.add_argument("--held-out", type=int, help="rows to place afterwards (default: all that are left)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", required=True, help="result file; maps are written beside it")
    return parser


class Data:
    """Training rows and held-out rows as 32-bit floats in [0, 1], with their labels."""

    def __init__(self, source, rows=None, held_out=None):
        path = pathlib.Path(source)
        train, train_labels, rest, rest_labels, scale, usual = _digits(path) if path.is_file() else _mnist(path)
        rows = usual if rows is None else rows
        if train is rest:  # one table: what training leaves is held out
            rest, rest_labels = rest[rows:], rest_labels[rows:]
        held_out = len(rest) if held_out is None else held_out
        for option, wanted, there in (("--rows", rows, len(train)), ("--held-out", held_out, len(rest))):
            if not 0 <= wanted <= there:
                raise SystemExit(f"data: {option} must be from 0 to {there} here, got {wanted}")
        self.name = path.stem if path.is_file() else "mnist"
        self.train, self.train_labels = _unit(train[:rows], scale), train_labels[:rows]
        self.held_out, self.held_out_labels = _unit(rest[:held_out], scale), rest_labels[:held_out]


def _unit(table, scale):
    import numpy as np

    table = table.astype(np.float32)
    table /= scale
    return table


def _digits(path):
    import numpy as np

    table = np.loadtxt(path, delimiter=",", skiprows=1, dtype=np.uint8)
    pixels, labels = table[:, :-1], table[:, -1]
    return pixels, labels, pixels, labels, 16, 1500


def _mnist(folder):
    tables = [
        _idx(folder / f"{part}-{kind}-ubyte.gz")
        for part in ("train", "t10k")
        for kind in ("images-idx3", "labels-idx1")
    ]
    return *tables, 255, 60_000


def _idx(path):
    import numpy as np

    raw = gzip.decompress(path.read_bytes())
    header = 4 + 4 * raw[3]  # byte 3 counts the dimensions, each a big-endian 32-bit number
    first = int.from_bytes(raw[4:8], "big")
    return np.frombuffer(raw, np.uint8, offset=header).reshape(first, -1).squeeze()


def median_seconds(work):
    """How long the work takes, the median of up to five times in two seconds, and what it gave last."""
    tries = []
    while not tries or (len(tries) < 5 and sum(tries) < 2):
        start = time.perf_counter()
        given = work()
        tries.append(time.perf_counter() - start)
    return statistics.median(tries), given


class Run:
    """The clock and the result of one run. Time spent inside `paused()` is counted nowhere."""

    def __init__(self, name, packages, options):
        self.out = pathlib.Path(options.out)
        self.out.parent.mkdir(parents=True, exist_ok=True)
        self.paused_seconds = 0.0
        self.started = {}
        self.seconds = {}
        self.maps = []
        self.result = {
            "name": name,
            "versions": {"python": platform.python_version(), **_versions(packages)},
            "machine": {
                "cores": os.cpu_count(),
                "platform": platform.platform(),
                "loadBefore": round(os.getloadavg()[0], 2),
            },
            "seed": options.seed,
        }

    def _now(self):
        return time.perf_counter() - self.paused_seconds

    @contextlib.contextmanager
    def stage(self, name):
        """Adds the time of the block to the stage `name`. Stages may lie inside one another."""
        self.started[name] = self._now()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + self.since(name)

    def since(self, stage):
        return self._now() - self.started[stage]

    @contextlib.contextmanager
    def paused(self):
        start = time.perf_counter()
        yield
        self.paused_seconds += time.perf_counter() - start

    def timed(self, stage, function):
        """The same function, its time added to `stage`."""

        def call(*args, **kwargs):
            with self.stage(stage):
                return function(*args, **kwargs)

        return call

    def load(self, options):
        data = Data(options.data, options.rows, options.held_out)
        self.result["data"] = {
            "name": data.name,
            "rows": len(data.train),
            "columns": data.train.shape[1],
            "heldOut": len(data.held_out),
        }
        return data

    def write_map(self, seconds, step, train, held_out=None):
        """Keeps a map, unfinished or final, for score.py; the last one written is the final one."""
        entry = {"seconds": round(seconds, 3), "step": int(step)}
        for part, rows in (("train", train), ("heldOut", held_out)):
            if rows is not None:
                entry[part] = self._binary(f"{len(self.maps)}.{part}.f32", rows, "<f4")
        self.maps.append(entry)

    def write_neighbors(self, indices):
        """Keeps a neighbor table; column 0 is the row itself, as in umap-learn."""
        name = self._binary("neighbors.i32", indices, "<i4")
        self.result["neighbors"] = {"file": name, "k": indices.shape[1]}

    def _binary(self, ending, rows, kind):
        import numpy as np

        path = self.out.with_name(f"{self.out.stem}.{ending}")
        np.ascontiguousarray(rows, dtype=kind).tofile(path)
        return path.name

    def transform(self, place, rows):
        """Places the held-out rows."""
        self.seconds["transform"], placed = median_seconds(lambda: place(rows))
        return placed

    def finish(self, steps=None, **settings):
        """Writes the result file and says where it is."""
        unit = 2**20 if sys.platform == "darwin" else 2**10  # macOS counts bytes, Linux kilobytes
        seconds, rows = self.seconds, self.result["data"]["heldOut"]
        self.result |= {
            "settings": settings,
            "seconds": {stage: round(value, 4) for stage, value in seconds.items()},
            "steps": steps,
            "msPerStep": round(1000 * seconds["fit"] / steps, 3) if steps and "fit" in seconds else None,
            "transformRowsPerSecond": round(rows / seconds["transform"]) if "transform" in seconds else None,
            "peakMemoryMb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit),
            "maps": self.maps,
        }
        self.out.write_text(json.dumps(self.result, indent=2) + "\n")
        print(f"{self.result['name']}: {seconds['total']:.1f} s from rows to result, see {self.out}")


def _versions(packages):
    found = {}
    for package in packages:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found
