"""Lesson 5's formulas against Keras, for more layers than the lesson shows."""


def test_output_size_is_that_of_keras():
    for n in (5, 6, 7, 28):
        for f in (1, 2, 3, 5):
            for s in (1, 2, 3):
                layer = keras.layers.Conv2D(1, f, strides=s)
                assert layer.compute_output_shape((1, n, n, 1))[1] == output_size(n, f, 0, s)


def test_same_padding_keeps_the_size_with_stride_1():
    for f in (1, 3, 5, 7):
        layer = keras.layers.Conv2D(1, f, padding="same")
        assert layer.compute_output_shape((1, 28, 28, 1))[1] == output_size(28, f, (f - 1) // 2, 1)


def test_parameters_are_those_of_keras():
    for k, channels, filters in ((1, 256, 64), (3, 1, 8), (5, 3, 2)):
        layer = keras.layers.Conv2D(filters, k)
        layer.build((None, 28, 28, channels))
        assert layer.count_params() == conv_parameters(k, channels, filters)


def test_vgg_as_published():
    convolutions = [1792, 36928, 73856, 147584, 295168, 590080, 590080, 1180160, *[2359808] * 5]
    dense = [102_764_544, 16_781_312, 4_097_000]
    counts = [count for count in vgg["parameters"] if count]
    assert counts == convolutions + dense
    assert receptive_field(kinds) == 212


def test_nothing_leaves_the_picture_when_it_moves_by_4_pixels():
    kept = shift_right(x_test, 4).sum(dtype="float64") / x_test.sum(dtype="float64")
    assert kept > 0.995
