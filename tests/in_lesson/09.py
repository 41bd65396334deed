"""The scores that the README tells of the embedded network; and the stored trainings, which are those of the lesson."""


def test_scores_on_fifteen_photographs():
    """Mean IoU 0.44 to 0.95 (of all classes 0.39 to 0.87), pixel accuracy 0.62 to 0.98."""
    assert len(matrices) == len(day) == 15
    np.testing.assert_allclose(day.min(), [0.62, 0.44, 0.39], atol=0.01)
    np.testing.assert_allclose(day.max(), [0.98, 0.95, 0.87], atol=0.01)


def test_only_the_louvre_is_better_when_dark_and_noisy():
    better = night.index[night["dark, noise"] > night["as it is"]]
    assert list(better) == ["louvre"]


def test_stored_trainings_are_those_of_the_lesson():
    stored = street_runs.query("epochs == 12 and seed == @seed").set_index("way")
    for title, way in {"no weights": "U-Net, no weights", "weights": "U-Net, 1/√f"}.items():
        assert abs(stored.loc[way, "accuracy"] - results.loc[title, "accuracy"]) < 0.01
        assert abs(stored.loc[way, "pole recall"] - results.loc[title, "pole recall"]) < 0.2


def test_control_with_equal_parameters_passes_exercise_4():
    picture = keras.Input((32, 48, 1))
    maps = convolve(convolve(picture, 8), 8)
    maps = convolve(layers.MaxPooling2D()(maps), 16)
    maps = convolve(layers.MaxPooling2D()(maps), 32)
    up = layers.Conv2DTranspose(16, 2, strides=2)(maps)
    up = convolve(layers.Concatenate()([up, up]), 16)
    up = layers.Conv2DTranspose(8, 2, strides=2)(up)
    up = convolve(layers.Concatenate()([up, up]), 8)
    control = keras.Model(picture, layers.Conv2D(4, 1)(up))
    assert not skips(control)
    assert control.count_params() == 14_876
