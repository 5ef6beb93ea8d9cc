"""Transfer learning the way a tutorial does it, to compare with: `python benchmarks/guide.py ZIP [options]`

The steps of Keras's guide "Transfer learning & fine-tuning" (keras.io/guides/transfer_learning, Apache-2.0), in our own
words: pictures resized once and cached as tensors, random flips and rotations, a base that is not trainable inside the
model, average pooling, dropout, one dense layer, Adam, batches of 64. Every picture passes through the whole network
in every epoch. 70 % of the pictures train, 15 % validate, 15 % test. The zip has one folder for each class.

With `--train-from LAYER` the first third of the epochs trains the head alone; then the base's layers from that one on
are trained too, BatchNorm apart, at a hundredth of the rate, as the guide's second step does.

Prints one line of JSON: seconds in all from the start of Python, seconds an epoch, test accuracy, how many parameters
of the base were trained. Other benchmarks run it beside Headstart, on the same machine.
"""

import argparse
import json
import math
import tempfile
import time
import zipfile
from pathlib import Path

BEGUN = time.perf_counter()
BATCH = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("zip", type=Path)
    parser.add_argument("--weights", type=Path, required=True, help="of the base, as Keras publishes them")
    parser.add_argument("--base", default="MobileNet")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--train-from", default="", help="name of the first layer that is trained; by default none")
    chosen = parser.parse_args()
    import keras

    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(chosen.zip) as archive:
            archive.extractall(folder)
        root = Path(folder)
        while len(inside := [path for path in root.iterdir() if path.is_dir()]) == 1:
            root = inside[0]
        report(chosen, *parts(keras, root))


def parts(keras, root: Path):
    size = (224, 224)
    train, rest = keras.utils.image_dataset_from_directory(
        root, validation_split=0.3, subset="both", seed=1, image_size=size, batch_size=BATCH, verbose=False
    )
    n_classes, half = len(train.class_names), len(rest) // 2
    flip, rotation = keras.layers.RandomFlip("horizontal"), keras.layers.RandomRotation(0.1)
    train = train.cache().map(lambda pixels, labels: (rotation(flip(pixels)), labels)).prefetch(2)
    return train, rest.take(half).cache().prefetch(2), rest.skip(half).prefetch(2), n_classes


def report(chosen: argparse.Namespace, train, validation, test, n_classes: int) -> None:
    import keras

    base = getattr(keras.applications, chosen.base)(weights=None, include_top=False, input_shape=(224, 224, 3))
    base.load_weights(chosen.weights, by_name=chosen.base == "MobileNet")
    inputs = keras.Input((224, 224, 3))
    scaled = getattr(keras.applications, chosen.base.lower()).preprocess_input(inputs)
    tensor = keras.layers.GlobalAveragePooling2D()(base(scaled, training=False))
    outputs = keras.layers.Dense(n_classes, activation="softmax")(keras.layers.Dropout(0.2)(tensor))
    model = keras.Model(inputs, outputs)
    seconds: list[float] = []
    began = time.perf_counter()

    class Clock(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            del epoch, logs
            seconds.append(round(time.perf_counter() - began - sum(seconds), 2))

    for epochs, rate, first_layer in phases(chosen):
        freeze(keras, base, first_layer)
        model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(train, epochs=epochs, validation_data=validation, callbacks=[Clock()], verbose=0)
    accuracy = model.evaluate(test, verbose=0)[1]
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "model.keras")
    told = {
        "seconds": round(time.perf_counter() - BEGUN, 1),
        "epochs": seconds,
        "accuracy": round(float(accuracy), 4),
        "trained_in_base": sum(math.prod(weight.shape) for weight in base.trainable_weights),
    }
    print(json.dumps(told))


def phases(chosen: argparse.Namespace) -> list[tuple[int, float, str]]:
    """Epochs, learning rate, first layer of the base that is trained."""
    if not chosen.train_from or chosen.epochs < 2:
        return [(chosen.epochs, 1e-5 if chosen.train_from else 1e-3, chosen.train_from)]
    first = max(1, chosen.epochs // 3)
    return [(first, 1e-3, ""), (chosen.epochs - first, 1e-5, chosen.train_from)]


def freeze(keras, base, first_layer: str) -> None:
    """Train the base from this layer on, BatchNorm apart; without a name none of it."""
    base.trainable = bool(first_layer)
    if first_layer:
        first = [layer.name for layer in base.layers].index(first_layer)
        for number, layer in enumerate(base.layers):
            layer.trainable = number >= first and not isinstance(layer, keras.layers.BatchNormalization)


if __name__ == "__main__":
    main()
