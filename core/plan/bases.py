"""The catalogue of pretrained bases: one row of data each, so that pages count without Keras.

`python -m pytest tests/test_bases.py` builds every row and holds blocks, parameters and shapes against Keras.
Parameter counts and sides are those of `keras.applications.<name>(include_top=False)`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from core.errors import ExperimentError

KERAS_FILES = "https://storage.googleapis.com/tensorflow/keras-applications"


class Preprocessing(StrEnum):
    """What a base expects of pixels from 0 to 255."""

    CAFFE = "caffe"  # BGR, the ImageNet mean taken off
    SYMMETRIC = "symmetric"  # x / 127.5 - 1
    STANDARD = "standard"  # x / 255, then minus mean, over deviation of ImageNet


@dataclass(frozen=True)
class Block:
    """A stretch of the base that is frozen or trained as one; exactly one tensor crosses its end."""

    name: str
    last_layer: int  # position in the Keras model's `layers`
    parameters: int
    batch_norm_parameters: int  # of those, in BatchNorm layers: statistics, scale and shift
    stride: int  # input pixels a side for one output pixel, about
    channels: int
    activations: int  # floats that its layers put out for one picture of the base's own size


@dataclass(frozen=True)
class WeightsFile:
    """Where a base's ImageNet weights come from and what they are checked against."""

    name: str
    url: str
    size_bytes: int  # about, for a progress line before the server has told
    md5: str | None = None  # published by Keras for some
    bundled: str | None = None  # a file in assets/weights


@dataclass(frozen=True)
class Base:
    """A pretrained network without its head."""

    name: str  # in keras.applications
    year: int
    sentence: str
    image_size: int
    min_size: int
    preprocessing: Preprocessing
    weights: WeightsFile
    blocks: tuple[Block, ...]
    map_side: Callable[[int], int] = field(repr=False)  # picture side → side of the last feature map
    batch_norm_arrays: int = 4  # mean, variance, scale, shift; the first two are statistics, which no gradient moves

    @property
    def parameters(self) -> int:
        """All of its parameters."""
        return sum(block.parameters for block in self.blocks)

    @property
    def channels(self) -> int:
        """Channels of its last feature map."""
        return self.blocks[-1].channels

    def trained_parameters(self, frozen_blocks: int, *, trains_batch_norm: bool = False) -> int:
        """Parameters of the base that a fit changes by gradient.

        Args:
            frozen_blocks: The first so many blocks stay as they are.
            trains_batch_norm: False for transfer, where BatchNorm layers stay; True from scratch.
        """
        trained = self.blocks[frozen_blocks:]
        batch_norm = sum(block.batch_norm_parameters for block in trained)
        kept = 2 * batch_norm // self.batch_norm_arrays if trains_batch_norm else batch_norm
        return sum(block.parameters for block in trained) - kept


def _blocks(table: str) -> tuple[Block, ...]:
    """Blocks from a table whose first line names the fields; `scripts/print_blocks.py` prints one."""
    header, *rows = (line.split() for line in table.strip().splitlines())
    found = []
    for name, *numbers in rows:
        values = {column: int(number) for column, number in zip(header[1:], numbers, strict=True)}
        found.append(Block(name=name, **values))
    return tuple(found)


def _halved(times: int) -> Callable[[int], int]:
    """Rounded down each time: max pooling, or strided convolution on a map padded by one row and column."""
    return lambda side: side >> times


def _same(times: int) -> Callable[[int], int]:
    """Rounded up each time: strides with 'same' padding."""
    return lambda side: -(-side // 2**times)


def _valid(*steps: tuple[int, int]) -> Callable[[int], int]:
    """(window, stride) one after the other, without padding; a window of 0 stands for 'same' padding."""

    def side_after(side: int) -> int:
        for window, stride in steps:
            side = (side - window) // stride + 1 if window else -(-side // stride)
        return side

    return side_after


_ROWS = (
    Base(
        "MobileNet",
        2017,
        "Small and quick: filtering a channel and mixing channels are separate steps. Made for phones.",
        image_size=224,
        min_size=32,
        preprocessing=Preprocessing.SYMMETRIC,
        weights=WeightsFile(
            "mobilenet_1_0_224_tf_no_top.h5",
            f"{KERAS_FILES}/mobilenet/mobilenet_1_0_224_tf_no_top.h5",
            17_225_924,
            bundled="mobilenet_1_0_224_tf.fp16.h5",
        ),
        blocks=_blocks("""
            name     last_layer  parameters  batch_norm_parameters  stride  channels  activations
            conv1             3         992                    128       2        32    1_354_752
            block1            9       2_720                    384       2        64    3_612_672
            block2           16       9_536                    768       4       128    2_623_552
            block3           22      18_560                  1_024       4       128    2_408_448
            block4           29      35_456                  1_536       8       256    1_319_040
            block5           35      69_888                  2_048       8       256    1_204_224
            block6           42     136_448                  3_072      16       512      666_880
            block7           48     270_848                  4_096      16       512      602_112
            block8           54     270_848                  4_096      16       512      602_112
            block9           60     270_848                  4_096      16       512      602_112
            block10          66     270_848                  4_096      16       512      602_112
            block11          72     270_848                  4_096      16       512      602_112
            block12          79     535_040                  6_144      32      1024      340_992
            block13          85   1_065_984                  8_192      32      1024      301_056
        """),
        map_side=lambda side: _same(1)(side) >> 4,
    ),
    Base(
        "MobileNetV2",
        2018,
        "MobileNet's successor: narrow layers with shortcuts between them, a third fewer parameters.",
        image_size=224,
        min_size=32,
        preprocessing=Preprocessing.SYMMETRIC,
        weights=WeightsFile(
            "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
            f"{KERAS_FILES}/mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
            9_406_464,
        ),
        blocks=_blocks("""
            name     last_layer  parameters  batch_norm_parameters  stride  channels  activations
            stem              8       1_984                    320       2        16    2_960_384
            block1           17       5_568                    864       4        24    5_892_192
            block2           26       9_456                  1_248       4        24    2_935_296
            block3           35      10_640                  1_280       8        32    2_211_472
            block4           44      15_680                  1_664       8        32      978_432
            block5           53      15_680                  1_664       8        32      978_432
            block6           62      21_952                  1_792      16        64      751_040
            block7           71      55_936                  3_328      16        64      489_216
            block8           80      55_936                  3_328      16        64      489_216
            block9           89      55_936                  3_328      16        64      489_216
            block10          97      68_352                  3_456      16        96      489_216
            block11         106     120_768                  4_992      16        96      733_824
            block12         115     120_768                  4_992      16        96      733_824
            block13         124     157_888                  5_248      32       160      568_640
            block14         133     324_160                  8_320      32       160      305_760
            block15         142     324_160                  8_320      32       160      305_760
            block16         150     478_400                  8_960      32       320      313_600
            conv_1          153     414_720                  5_120      32      1280      188_160
        """),
        map_side=_same(5),
    ),
    Base(
        "EfficientNetV2B0",
        2021,
        "The most recent here: found by a search for accuracy a second. Strong features at a moderate size.",
        image_size=224,
        min_size=32,
        preprocessing=Preprocessing.STANDARD,
        weights=WeightsFile(
            "efficientnetv2-b0_notop.h5",
            f"{KERAS_FILES}/efficientnet_v2/efficientnetv2-b0_notop.h5",
            24_274_472,
            md5="893217f2bb855e2983157299931e43ff",
        ),
        blocks=_blocks("""
            name    last_layer  parameters  batch_norm_parameters  stride  channels  activations
            stem             3         992                    128       2        32    1_354_752
            block1           6       4_672                     64       2        16      602_112
            block2          18      53_248                  1_024       4        32    2_408_448
            block3          30     136_832                  1_664       8        48      978_432
            block4          73     235_068                  8_832      16        96    1_846_908
            block5         146     961_224                 28_352      16       112    4_883_272
            block6         264   4_276_396                 76_032      32       192    3_601_612
            top            267     250_880                  5_120      32      1280      188_160
        """),
        map_side=_same(5),
    ),
    Base(
        "ResNet50",
        2015,
        "Fifty layers with shortcuts that let gradients pass: for years the standard of comparison.",
        image_size=224,
        min_size=32,
        preprocessing=Preprocessing.CAFFE,
        weights=WeightsFile(
            "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
            f"{KERAS_FILES}/resnet/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
            94_765_736,
            md5="4d473c1dd8becc155b73f8504c6f6626",
        ),
        blocks=_blocks("""
            name    last_layer  parameters  batch_norm_parameters  stride  channels  activations
            stem             6       9_728                    256       4        64    3_750_124
            stage2          38     220_032                  5_632       4       256   14_852_096
            stage3          80   1_230_336                 14_336       8       512    9_633_792
            stage4         142   7_129_088                 40_960      16      1024    7_024_640
            stage5         174  14_998_528                 45_056      32      2048    1_856_512
        """),
        map_side=_same(5),
    ),
    Base(
        "VGG16",
        2014,
        "Sixteen plain layers, one after the other: the easiest to understand, and the slowest here.",
        image_size=224,
        min_size=32,
        preprocessing=Preprocessing.CAFFE,
        weights=WeightsFile(
            "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
            f"{KERAS_FILES}/vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
            58_889_256,
            md5="6d6bbae143d832006294945121d1f1fc",
        ),
        blocks=_blocks("""
            name    last_layer  parameters  batch_norm_parameters  stride  channels  activations
            block1           3      38_720                      0       2        64    7_375_872
            block2           6     221_440                      0       4       128    3_612_672
            block3          10   1_475_328                      0       8       256    2_609_152
            block4          14   5_899_776                      0      16       512    1_304_576
            block5          18   7_079_424                      0      32       512      326_144
        """),
        map_side=_halved(5),
    ),
    Base(
        "InceptionV3",
        2015,
        "Looks at each place through windows of several sizes at once; wants larger pictures (299 px).",
        image_size=299,
        min_size=75,
        preprocessing=Preprocessing.SYMMETRIC,
        weights=WeightsFile(
            "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
            f"{KERAS_FILES}/inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
            87_910_968,
            md5="bcbd6486424b2319ff4ef7d526e38f63",
        ),
        blocks=_blocks("""
            name     last_layer  parameters  batch_norm_parameters  stride  channels  activations
            stem             17     173_072                  1_200       8       192   13_381_723
            mixed0           40     256_368                  1_392       8       256    2_254_000
            mixed1           63     277_968                  1_488       8       288    2_489_200
            mixed2           86     285_648                  1_488       8       288    2_528_400
            mixed3          100   1_153_920                  1_920      16       768    1_309_344
            mixed4          132   1_298_944                  4_608      16       768    1_775_616
            mixed5          164   1_692_736                  5_184      16       768    1_942_080
            mixed6          196   1_692_736                  5_184      16       768    1_942_080
            mixed7          228   2_143_872                  5_760      16       768    2_108_544
            mixed8          248   1_699_584                  3_840      32      1280      895_232
            mixed9          279   5_047_872                  9_792      32      2048      937_984
            mixed10         310   6_080_064                  9_792      32      2048      987_136
        """),
        map_side=_valid((3, 2), (3, 1), (3, 2), (3, 1), (3, 2), (3, 2), (3, 2)),
        batch_norm_arrays=3,  # its BatchNorm layers have no scale
    ),
    Base(
        "Xception",
        2016,
        "Inception taken to its end: every channel has its own filter. Accurate, wants larger pictures (299 px).",
        image_size=299,
        min_size=71,
        preprocessing=Preprocessing.SYMMETRIC,
        weights=WeightsFile(
            "xception_weights_tf_dim_ordering_tf_kernels_notop.h5",
            f"{KERAS_FILES}/xception/xception_weights_tf_dim_ordering_tf_kernels_notop.h5",
            83_683_744,
            md5="b0042744bf5b25fce3cb969f33bebb97",
        ),
        blocks=_blocks("""
            name     last_layer  parameters  batch_norm_parameters  stride  channels  activations
            block1            6      19_680                    384       2        64    6_548_427
            block2           15      36_032                  1_536       4       128   16_633_472
            block3           25     137_600                  3_072       8       256    9_112_064
            block4           35     920_312                  8_736      16       728    6_384_856
            block5           45   1_618_344                  8_736      16       728    2_628_080
            block6           55   1_618_344                  8_736      16       728    2_628_080
            block7           65   1_618_344                  8_736      16       728    2_628_080
            block8           75   1_618_344                  8_736      16       728    2_628_080
            block9           85   1_618_344                  8_736      16       728    2_628_080
            block10          95   1_618_344                  8_736      16       728    2_628_080
            block11         105   1_618_344                  8_736      16       728    2_628_080
            block12         115   1_618_344                  8_736      16       728    2_628_080
            block13         125   2_045_136                 11_104      32      1024    2_200_160
            block14         131   4_755_968                 14_336      32      2048    1_075_200
        """),
        map_side=_valid((3, 2), (3, 1), (0, 2), (0, 2), (0, 2), (0, 2)),
    ),
)
BASES: dict[str, Base] = {row.name: row for row in _ROWS}


def base(name: str) -> Base:
    """The row called `name`.

    Raises:
        ExperimentError: There is none.
    """
    if name not in BASES:
        raise ExperimentError("experiment.base", bases=list(BASES), received=name)
    return BASES[name]
