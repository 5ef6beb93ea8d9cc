"""The blocks of a base, from Keras, as `core/plan/bases.py` wants them: `python scripts/print_blocks.py NAME [LAYER …]`

NAME is a network of `keras.applications`, each LAYER the last one of a block, by its name or its position, in their
order. Without any, the layers are listed at which a block can end: exactly one tensor crosses there, from what comes
before to what comes after. `--size` builds it for pictures of so many pixels, by default 224. The weights are random:
nothing is downloaded.
"""

import argparse
import math
import sys
from itertools import pairwise
from typing import Any

import keras

COLUMNS = ("name", "last_layer", "parameters", "batch_norm_parameters", "stride", "channels", "activations")


def built(name: str, size: int) -> Any:
    """The network without its head and, where Keras has it inside, its preprocessing."""
    own = {"include_preprocessing": False} if name.startswith("EfficientNet") else {}
    return getattr(keras.applications, name)(weights=None, include_top=False, input_shape=(size, size, 3), **own)


def ends(model: Any) -> list[int]:
    """Positions of the layers behind which exactly one tensor crosses: their own."""
    place = {layer.name: number for number, layer in enumerate(model.layers)}
    reach = {layer.name: place[layer.name] for layer in model.layers}  # the last layer that takes it in
    for layer in model.layers:
        for node in layer._inbound_nodes:
            for tensor in node.input_tensors:
                source = tensor._keras_history.operation.name
                if source in reach:
                    reach[source] = max(reach[source], place[layer.name])
    last = len(model.layers) - 1
    found = [
        number
        for number in range(1, last)
        if [name for name, until in reach.items() if place[name] <= number < until] == [model.layers[number].name]
    ]
    return [*found, last]


def rows(model: Any, last_layers: list[int], size: int) -> list[tuple[object, ...]]:
    """A row a block, with the values of `COLUMNS`."""
    found: list[tuple[object, ...]] = []
    for start, end in pairwise([-1, *last_layers]):
        layers = model.layers[start + 1 : end + 1]
        norms = [layer for layer in layers if isinstance(layer, keras.layers.BatchNormalization)]
        _, height, _, channels = layers[-1].output.shape
        found.append(
            (
                f"block{len(found)}",
                end,
                sum(layer.count_params() for layer in layers),
                sum(layer.count_params() for layer in norms),
                2 ** round(math.log2(size / height)),
                channels,
                sum(math.prod(layer.output.shape[1:]) for layer in layers),
            )
        )
    return found


def table(found: list[tuple[object, ...]]) -> str:
    """The rows below the names of their columns, as `bases._blocks` reads them."""
    lines = [COLUMNS, *([f"{value:_}" if isinstance(value, int) else str(value) for value in row] for row in found)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(
            [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]
        )
        for line in lines
    )


def main(arguments: list[str] | None = None) -> int:
    """Print the table, or where a block can end. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("layers", nargs="*")
    parser.add_argument("--size", type=int, default=224)
    chosen = parser.parse_args(arguments)
    if not hasattr(keras.applications, chosen.name):
        print(f"error: expected a network of keras.applications. Found {chosen.name}.", file=sys.stderr)
        return 2
    model = built(chosen.name, chosen.size)
    possible = {number: model.layers[number].name for number in ends(model)}
    place = {name: number for number, name in possible.items()} | {str(number): number for number in possible}
    if wrong := [name for name in chosen.layers if name not in place]:
        print(f"error: expected layers behind which one tensor crosses. Found {', '.join(wrong)}.", file=sys.stderr)
        return 2
    if chosen.layers:
        print(table(rows(model, [place[name] for name in chosen.layers], chosen.size)))
    else:
        print("\n".join(f"{number:>4}  {name}" for number, name in possible.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
