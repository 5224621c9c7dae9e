"""Prints what the TensorBoard of Python reads from the log directory that is its argument, as JSON."""

import json
import os
import sys

from tensorboard.backend.event_processing import event_accumulator, event_file_loader
from tensorboard.plugins.projector import projector_config_pb2
from google.protobuf import text_format

folder = sys.argv[1]

accumulator = event_accumulator.EventAccumulator(
    folder, size_guidance={"scalars": 0, "histograms": 0, "tensors": 0}
)
accumulator.Reload()
histograms = {
    tag: [
        {"step": event.step, "num": event.histogram_value.num, "sum": event.histogram_value.sum}
        for event in accumulator.Histograms(tag)
    ]
    for tag in accumulator.Tags()["histograms"]
}
scalars = {
    tag: [[event.step, event.value, event.wall_time] for event in accumulator.Scalars(tag)]
    for tag in accumulator.Tags()["scalars"]
}

# As the dashboards read them: old kinds of summaries are converted to tensors for the plugins.
plugins = {}
for name in sorted(os.listdir(folder)):
    if "tfevents" not in name:
        continue
    for event in event_file_loader.EventFileLoader(os.path.join(folder, name)).Load():
        for value in event.summary.value:
            plugins.setdefault(value.metadata.plugin_data.plugin_name, set()).add(value.tag)

config = projector_config_pb2.ProjectorConfig()
with open(os.path.join(folder, "projector_config.pbtxt")) as file:
    text_format.Parse(file.read(), config)

print(
    json.dumps(
        {
            "scalars": scalars,
            "histograms": histograms,
            "plugins": {name: sorted(tags) for name, tags in plugins.items()},
            "embeddings": [
                {"name": one.tensor_name, "tensor": one.tensor_path, "metadata": one.metadata_path}
                for one in config.embeddings
            ],
        }
    )
)
