"""Lesson 6's network is the one of the full run, whose results the lesson shows."""


def test_the_lesson_and_the_full_run_have_the_same_network():
    import sys

    sys.path.insert(0, "..")  # the lessons don't need `tools`
    from tools.train import cifar10

    def description(network):
        """What each layer is, without the names that Keras counts up."""
        return [(type(layer).__name__, layer.get_config() | {"name": None}) for layer in network.layers]

    for dropout in (False, True):
        assert description(build_model(NetworkConfig(), dropout=dropout)) == description(cifar10.build(dropout))
