"""Lesson 6's networks are those that the course ships, whose results the lesson shows."""


def test_the_lesson_and_the_training_have_the_same_networks():
    import sys

    sys.path.insert(0, "..")  # the lessons don't need `tools`
    from tools.train import cifar10

    def description(network):
        """What each layer is, without the names that Keras counts up."""
        kept = [layer for layer in network.layers if type(layer).__name__ != "Rescaling"]
        return [(type(layer).__name__, layer.get_config() | {"name": None}) for layer in kept]

    for dropout in (False, True):
        assert description(build_model(NetworkConfig(), dropout=dropout)) == description(cifar10.build(dropout))
    assert build_recipe(NetworkConfig(), augment=False).count_params() == shipped.count_params()
