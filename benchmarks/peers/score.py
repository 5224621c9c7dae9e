"""Scores the maps of any number of result files by one yardstick and prints one table.

Held-out 5-NN: share of held-out rows whose five nearest training rows on the map vote for their label.
Trustworthiness (15 neighbors): on the first 5,000 training rows, and on the first 5,000 held-out rows.
kNN recall: share of the true nearest neighbors found, on 2,000 rows spread over the data.
"""

import argparse
import json
import pathlib

import numpy as np

from common import Data

TRUST_ROWS, TRUST_NEIGHBORS, VOTERS, RECALL_ROWS, BLOCK = 5000, 15, 5, 2000, 500
FIGURES = ("heldOutKnn", "trustTrain", "trustHeldOut")


def squared_distances(a, b):
    return (a * a).sum(1)[:, None] + (b * b).sum(1) - 2 * (a @ b.T)


def blocks(rows):
    return (slice(start, min(start + BLOCK, rows)) for start in range(0, rows, BLOCK))


def nearest_others(points, k, ids):
    """The k nearest other points, in no order, for each point named in `ids`."""
    found = np.empty((len(ids), k), np.int32)
    for part in blocks(len(ids)):
        distances = squared_distances(points[ids[part]], points)
        distances[np.arange(len(distances)), ids[part]] = np.inf
        found[part] = np.argpartition(distances, k - 1, axis=1)[:, :k]
    return found


class Trust:
    """Trustworthiness of maps of the same rows (Venna and Kaski 2001); the rows are ranked once."""

    def __init__(self, rows):
        rows = rows[:TRUST_ROWS].astype(np.float64)
        self.ranks = np.empty((len(rows), len(rows)), np.uint16)  # 0 is the row itself
        for part in blocks(len(rows)):
            distances = squared_distances(rows[part], rows)
            distances[np.arange(len(distances)), np.arange(part.start, part.stop)] = -np.inf
            order = np.argsort(distances, axis=1, kind="stable")
            np.put_along_axis(self.ranks[part], order, np.arange(len(rows), dtype=np.uint16)[None], axis=1)

    def __call__(self, embedding):
        n, k = len(self.ranks), TRUST_NEIGHBORS
        near = nearest_others(embedding[:n].astype(np.float64), k, np.arange(n))
        excess = np.take_along_axis(self.ranks, near, axis=1).astype(np.int64) - k
        # T = 1 - 2 / (n k (2n - 3k - 1)) * sum of the ranks beyond k
        return 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * excess[excess > 0].sum()


def vote(train_map, train_labels, held_out_map, held_out_labels):
    train_map, held_out_map = train_map.astype(np.float64), held_out_map.astype(np.float64)
    right = 0
    for part in blocks(len(held_out_map)):
        distances = squared_distances(held_out_map[part], train_map)
        voters = train_labels[np.argpartition(distances, VOTERS - 1, axis=1)[:, :VOTERS]]
        votes = (voters[:, :, None] == np.arange(train_labels.max() + 1)).sum(1)
        right += (votes.argmax(1) == held_out_labels[part]).sum()
    return right / len(held_out_map)


def recall(rows, found):
    ids = np.linspace(0, len(rows) - 1, min(RECALL_ROWS, len(rows))).astype(int)
    others = found.shape[1] - 1  # the table counts the row itself
    truth = nearest_others(rows, others, ids)
    hits = sum(len(np.intersect1d(truth[i], found[row])) for i, row in enumerate(ids))
    return hits / truth.size


class Scorer:
    def __init__(self, source, rows, held_out):
        self.data = Data(source, rows, held_out)
        self.train = Trust(self.data.train)
        self.held_out = Trust(self.data.held_out) if held_out > 2 * TRUST_NEIGHBORS else None

    def score(self, folder, result):
        """Fills in the figures of every map that lacks them, and the recall of the neighbors."""
        for entry in result["maps"]:
            if "trustTrain" in entry:
                continue
            train_map = self.read(folder, entry["train"], len(self.data.train))
            entry["trustTrain"] = round(self.train(train_map), 4)
            if "heldOut" in entry and self.held_out:
                held_out_map = self.read(folder, entry["heldOut"], len(self.data.held_out))
                entry["trustHeldOut"] = round(self.held_out(held_out_map), 4)
                labels = self.data.train_labels, self.data.held_out_labels
                entry["heldOutKnn"] = round(float(vote(train_map, labels[0], held_out_map, labels[1])), 4)
        neighbors = result.get("neighbors")
        if neighbors and "recall" not in neighbors:
            table = np.fromfile(folder / neighbors["file"], "<i4").reshape(-1, neighbors["k"])
            neighbors["recall"] = round(recall(self.data.train, table), 4)

    @staticmethod
    def read(folder, name, rows):
        points = np.fromfile(folder / name, "<f4").reshape(rows, -1)
        lost = int((~np.isfinite(points)).any(1).sum())
        if lost:
            raise SystemExit(f"score: {name} has {lost} of {rows} rows that are not finite numbers")
        return points


def mean(values):
    """The mean of records: of their numbers where none is missing; of what cannot be one, the first."""
    first = values[0]
    if any(value is None for value in values):
        return None
    if isinstance(first, dict):
        return {key: mean([value[key] for value in values]) for key in first if all(key in v for v in values)}
    if isinstance(first, list):
        lengths = {len(value) for value in values}
        if len(lengths) > 1:
            raise SystemExit(f"score: --mean wants lists of one length in the runs of a program, got {sorted(lengths)}")
        return [mean(parts) for parts in zip(*values)]
    if isinstance(first, str) or all(value == first for value in values):
        return first
    return sum(values) / len(values)


def by_program(results):
    """For each result the mean over the runs of its program, in the same version with the same settings and data."""
    programs = {}
    for path, result in results.items():
        same = [result.get(key) for key in ("name", "versions", "settings", "data")]
        programs.setdefault(json.dumps(same, sort_keys=True), []).append(path)
    means = {}
    for paths in programs.values():
        program = mean([results[path] for path in paths])
        name = f"{program['name']} (mean of {len(paths)})" if len(paths) > 1 else program["name"]
        means.update(dict.fromkeys(paths, {**program, "name": name}))
    return means


def seconds_to(result, target, slack):
    """When a run first had every figure of the target's final map, or None."""
    wanted = [(figure, target["maps"][-1][figure] - slack) for figure in FIGURES if figure in target["maps"][-1]]
    reached = (m["seconds"] for m in result["maps"] if all(m.get(f, 0) >= least for f, least in wanted))
    return next(reached, None)


def line(result, target, slack):
    seconds, final = result["seconds"], result["maps"][-1] if result["maps"] else {}
    cells = [
        result["name"],
        f"{result['data']['rows']:,}",
        *(seconds.get(stage) for stage in ("import", "knn", "graph", "fit", "total")),
        result.get("steps"),
        result.get("msPerStep"),
        result.get("transformRowsPerSecond"),
        result.get("peakMemoryMb"),
        (result.get("neighbors") or {}).get("recall"),
        *(final.get(figure) for figure in FIGURES),
    ]
    if target:
        reached = seconds_to(result, target, slack)
        cells += [reached, seconds_to(target, target, slack) / reached if reached else None]
    return cells


def show(value):
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4f}" if value < 1 else f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else value


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", nargs="+", type=pathlib.Path, help="result files of one data set")
    parser.add_argument("--data", required=True, help="the --data that the drivers had")
    parser.add_argument("--target", type=pathlib.Path, help="tell when each run had the final quality of this one")
    parser.add_argument("--slack", type=float, default=0.0, help="how far below the target's figures will do")
    parser.add_argument(
        "--mean", action="store_true", help="one line a program, the target too: the mean over its runs"
    )
    options = parser.parse_args()

    scorers, results = {}, {}
    for path in dict.fromkeys(options.results + ([options.target] if options.target else [])):
        result = json.loads(path.read_text())
        size = result["data"]["rows"], result["data"]["heldOut"]
        if size not in scorers:
            scorers[size] = Scorer(options.data, *size)
        scorers[size].score(path.parent, result)
        path.write_text(json.dumps(result, indent=2) + "\n")
        results[path] = result

    if options.mean:
        results = by_program(results)
    target = results.get(options.target)
    head = ["name", "rows", "import s", "kNN s", "graph s", "fit s", "total s", "steps", "ms a step"]
    head += ["transform rows/s", "peak MB", "kNN recall", "held-out 5-NN", "trust train", "trust held-out"]
    if target:
        head += [f"s to quality of {target['name']}", "times faster"]
    table = [head, ["---"] * len(head)]
    once = {id(results[path]): results[path] for path in options.results}
    table += [line(result, target, options.slack) for result in once.values()]
    for cells in table:
        print("| " + " | ".join(map(show, cells)) + " |")


main()
