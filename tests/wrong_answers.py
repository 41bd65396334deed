"""Answers as people typically get them wrong: for each exercise at least two, and words of what they must be told.

(lesson, exercise) -> [(the answer as a student writes it, words of the message)]
"""

from __future__ import annotations

WRONG: dict[tuple[int, int], list[tuple[str, str]]] = {
    (1, 1): [
        ("def count_numbers(height, width, channels):\n    return height * width", "number of pixels"),
        ("def count_numbers(height, width, channels):\n    return height + width + channels", "Multiply"),
        ("def count_numbers(height, width, channels):\n    return width * channels", "Rows and columns both count"),
    ],
    (1, 2): [
        ("def name_of(probabilities, names):\n    return probabilities.argmax()", "look its name up"),
        ("def name_of(probabilities, names):\n    return probabilities.max()", "That is the probability"),
        ("def name_of(probabilities, names):\n    return names[probabilities.argmax()]", "should be unsure"),
        (
            """
def name_of(probabilities, names):
    if probabilities.max() > 0.6:
        return "unsure"
    return names[probabilities.argmax()]
""",
            "the answer is a name",
        ),
    ],
    (1, 3): [
        (
            """
def predict_one(picture, means):
    return np.argmax([((picture - mean) ** 2).sum() for mean in means])
""",
            "use argmin",
        ),
        (
            """
def predict_one(picture, means):
    distances = []
    for mean in means:
        distances.append((picture - mean).sum())
    return np.argmin(distances)
""",
            "Square the differences",
        ),
        (
            "def predict_one(picture, means):\n    return [((picture - mean) ** 2).sum() for mean in means]",
            "ten distances",
        ),
        (
            "def predict_one(picture, means):\n    return min(((picture - mean) ** 2).sum() for mean in means)",
            "the smallest distance",
        ),
    ],
    (2, 1): [
        ("def cross_entropy_loss(probabilities, true_class):\n    return math.log(probabilities[true_class])", "sign"),
        (
            "def cross_entropy_loss(probabilities, true_class):\n    return -math.log10(probabilities[true_class])",
            "natural",
        ),
        ("def cross_entropy_loss(probabilities, true_class):\n    return -math.log(max(probabilities))", "true class"),
        ("def cross_entropy_loss(probabilities, true_class):\n    return 1 - probabilities[true_class]", "surprise"),
        (
            """
def cross_entropy_loss(probabilities, true_class):
    return -sum(p * math.log(p) for p in probabilities)
""",
            "Weight the logarithms with the label",
        ),
    ],
    (2, 2): [
        ("def count_updates(n_samples, batch_size, epochs):\n    return n_samples // batch_size * epochs", "round up"),
        ("def count_updates(n_samples, batch_size, epochs):\n    return n_samples / batch_size * epochs", "in part"),
        (
            "def count_updates(n_samples, batch_size, epochs):\n    return math.ceil(n_samples / batch_size)",
            "That is one epoch",
        ),
        (
            "def count_updates(n_samples, batch_size, epochs):\n    return math.ceil(n_samples * epochs / batch_size)",
            "Round up within each epoch",
        ),
        (
            "def count_updates(n_samples, batch_size, epochs):\n    return (n_samples // batch_size + 1) * epochs",
            "no extra batch",
        ),
    ],
    (2, 3): [
        (
            """
def descend(w, learning_rate, steps):
    for i in range(steps):
        w = w + learning_rate * 6 * (w - 2)
    return w
""",
            "uphill",
        ),
        (
            """
def descend(w, learning_rate, steps):
    for i in range(steps):
        w = w - learning_rate * 3 * (w - 2) ** 2
    return w
""",
            "needs its slope",
        ),
        (
            """
def descend(w, learning_rate, steps):
    for i in range(steps):
        w = w - learning_rate * 2 * (w - 2)
    return w
""",
            "factor 3",
        ),
        (
            """
def descend(w, learning_rate, steps):
    slope = 6 * (w - 2)
    for i in range(steps):
        w = w - learning_rate * slope
    return w
""",
            "slope again in every step",
        ),
        (
            """
def descend(w, learning_rate, steps):
    for i in range(steps):
        w = w - learning_rate * 6 * (w - 2)
        return w
""",
            "That is one step",
        ),
    ],
    (3, 1): [
        ("def slope_of(x, y):\n    return np.sum(x * y) / np.sum(x**2)", "Subtract the means"),
        (
            """
def slope_of(x, y):
    dx, dy = x - x.mean(), y - y.mean()
    return np.sum(dx * dy) / np.sum(dy**2)
""",
            "how x varies",
        ),
        ("def slope_of(x, y):\n    return np.cov(x, y)[0, 1] / np.var(x)", "N - 1"),
        ("def slope_of(x, y):\n    return np.sum((x - x.mean()) * (y - y.mean()))", "above the fraction bar"),
    ],
    (3, 2): [
        (
            """
def r2_score(y_true, y_pred):
    return np.sum((y_true - y_pred) ** 2) / np.sum((y_true - y_true.mean()) ** 2)
""",
            "subtract it from 1",
        ),
        (
            """
def r2_score(y_true, y_pred):
    return 1 - np.sum((y_true - y_pred) ** 2) / np.sum((y_pred - y_pred.mean()) ** 2)
""",
            "spread of the true values",
        ),
        (
            """
def r2_score(y_true, y_pred):
    mse = np.mean((y_true - y_pred) ** 2)
    return 1 - mse / np.sum((y_true - y_true.mean()) ** 2)
""",
            "two sums or two means",
        ),
        ("def r2_score(y_true, y_pred):\n    return np.corrcoef(y_true, y_pred)[0, 1] ** 2", "correlation"),
    ],
    (3, 3): [
        (
            """
def predict_prices(x_fit, weight, bias, x_new):
    z = (x_new - x_new.mean()) / x_new.std()
    return weight * z + bias
""",
            "A leak",
        ),
        ("def predict_prices(x_fit, weight, bias, x_new):\n    return weight * x_new + bias", "you fed it rooms"),
        (
            "def predict_prices(x_fit, weight, bias, x_new):\n    return weight * (x_new - x_fit.mean()) + bias",
            "divide by the standard deviation",
        ),
        (
            """
def predict_prices(x_fit, weight, bias, x_new):
    everything = np.concatenate([x_fit, x_new])
    return weight * (x_new - everything.mean()) / everything.std() + bias
""",
            "A leak",
        ),
    ],
    (4, 1): [
        ("def dense_parameters(inputs, neurons):\n    return inputs * neurons", "also has a bias"),
        ("def dense_parameters(inputs, neurons):\n    return inputs * neurons + inputs", "belong to the neurons"),
        ("def dense_parameters(inputs, neurons):\n    return inputs * neurons + 1", "one bias per neuron"),
        ("def dense_parameters(inputs, neurons):\n    return inputs + neurons", "multiply"),
    ],
    (4, 2): [
        (
            """
def cross_entropy(logits, labels):
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return -np.log(p[np.arange(len(labels)), labels]).mean()
""",
            "overflowed",
        ),
        (
            """
def cross_entropy(logits, labels):
    m = logits.max(axis=1)
    lse = m + np.log(np.exp(logits - m[:, None]).sum(axis=1))
    return lse - logits[np.arange(len(labels)), labels]
""",
            "one loss per row",
        ),
        (
            """
def cross_entropy(logits, labels):
    m = logits.max(axis=1)
    lse = m + np.log(np.exp(logits - m[:, None]).sum(axis=1))
    return np.sum(lse - logits[np.arange(len(labels)), labels])
""",
            "sum over the batch",
        ),
        (
            """
def cross_entropy(logits, labels):
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = p / p.sum(axis=1, keepdims=True)
    return -np.log(np.clip(p[np.arange(len(labels)), labels], 1e-7, 1)).mean()
""",
            "Work with the logits",
        ),
        (
            """
def cross_entropy(logits, labels):
    m = logits.max(axis=1)
    lse = np.log(np.exp(logits - m[:, None]).sum(axis=1))
    return np.mean(lse - logits[np.arange(len(labels)), labels])
""",
            "Put the largest logit back",
        ),
    ],
    (4, 3): [
        ("def precision_of(matrix, k):\n    return matrix[k, k] / matrix[k].sum()", "That is the recall"),
        ("def precision_of(matrix, k):\n    return np.trace(matrix) / matrix.sum()", "accuracy"),
        ("def precision_of(matrix, k):\n    return matrix[k, k] / matrix.sum()", "not by all examples"),
    ],
    (5, 1): [
        (
            """
def final_size(n, layers):
    for window, padding, stride in layers:
        n = output_size(n, window, padding, stride)
        return n
""",
            "inside the loop",
        ),
        (
            """
def final_size(n, layers):
    for window, padding, stride in layers:
        size = output_size(n, window, padding, stride)
    return size
""",
            "not the first n",
        ),
        (
            """
def final_size(n, layers):
    for window, padding, stride in layers:
        n = (n + padding - window) // stride + 1
    return n
""",
            "Padding counts twice",
        ),
        (
            """
def final_size(n, layers):
    for window, padding, stride in layers:
        n = (n + 2 * padding - window) // stride
    return n
""",
            "+ 1",
        ),
    ],
    (5, 2): [
        (
            """
def stack_parameters(k, channels):
    return sum(k * k * a * b for a, b in zip(channels, channels[1:]))
""",
            "also has a bias",
        ),
        (
            """
def stack_parameters(k, channels):
    total = 0
    for a, b in zip(channels, channels[1:]):
        total += k * k * a * b + 1
    return total
""",
            "one bias per filter",
        ),
        (
            """
def stack_parameters(k, channels):
    for a, b in zip(channels, channels[1:]):
        total = conv_parameters(k, a, b)
    return total
""",
            "last layer only",
        ),
        (
            """
def stack_parameters(k, channels):
    return sum(conv_parameters(k, channels[0], filters) for filters in channels[1:])
""",
            "not 3",
        ),
    ],
    (5, 3): [
        (
            """
def blocks_needed(pixels):
    n = 0
    while receptive_field(n * [(3, 1), (2, 2)]) <= pixels:
        n += 1
    return n
""",
            "at least means >=",
        ),
        ("def blocks_needed(pixels):\n    return -(-(pixels - 1) // 4)", "grows faster"),
        (
            """
def blocks_needed(pixels):
    n = 0
    while receptive_field(n * [(3, 1)]) < pixels:
        n += 1
    return n
""",
            "The pools help",
        ),
        (
            """
def blocks_needed(pixels):
    n = 0
    while receptive_field((n + 1) * [(3, 1), (2, 2)]) < pixels:
        n += 1
    return n
""",
            "Two blocks see 10 pixels",
        ),
    ],
    (6, 1): [
        (
            """
def network_parameters(f1, f2, f3, units):
    total, c = 0, 3
    for f in (f1, f1, f2, f2, f3, f3):
        total += 3 * 3 * c * f
        c = f
    return total + 4 * 4 * f3 * units + units * 10
""",
            "biases are missing",
        ),
        (
            """
def network_parameters(f1, f2, f3, units):
    total, c = 0, 3
    for f in (f1, f2, f3):
        total += (9 * c + 1) * f + (9 * c + 1) * f
        c = f
    return total + (4 * 4 * f3 + 1) * units + (units + 1) * 10
""",
            "second convolution of a block",
        ),
        (
            """
def network_parameters(f1, f2, f3, units):
    total, c = 0, 3
    for f in (f1, f1, f2, f2, f3, f3):
        total += (9 * c + 1) * f
        c = f
    return total + (32 * 32 * f3 + 1) * units + (units + 1) * 10
""",
            "the maps are 4 x 4",
        ),
        (
            """
def network_parameters(f1, f2, f3, units):
    total, c = 0, 3
    for f in (f1, f1, f2, f2, f3, f3):
        total += (9 * c + 1) * f
        c = f
    return total
""",
            "Dense layers are missing",
        ),
    ],
    (6, 2): [
        ("def dropout(x, mask, rate):\n    return x * mask", "divided by 1 - rate"),
        ("def dropout(x, mask, rate):\n    return x * mask / rate", "not by rate"),
        ("def dropout(x, mask, rate):\n    return x * mask * (1 - rate)", "They must become larger"),
        ("def dropout(x, mask, rate):\n    return np.where(mask, 0, x) / (1 - rate)", "means: kept"),
        ("def dropout(x, mask, rate):\n    return x[mask] / (1 - rate)", "Keep the shape"),
    ],
    (6, 3): [
        (
            """
def most_confused_couple(matrix):
    m = matrix.copy()
    np.fill_diagonal(m, 0)
    return np.unravel_index(m.argmax(), m.shape)
""",
            "largest single number",
        ),
        (
            """
def most_confused_couple(matrix):
    both = matrix + matrix.T
    return np.unravel_index(both.argmax(), both.shape)
""",
            "diagonal",
        ),
        (
            """
def most_confused_couple(matrix):
    both = matrix + matrix.T
    np.fill_diagonal(both, 0)
    a, b = np.unravel_index(both.argmax(), both.shape)
    return b, a
""",
            "smaller index first",
        ),
        (
            """
def most_confused_couple(matrix):
    both = matrix + matrix.T
    np.fill_diagonal(both, 0)
    return both.argmax()
""",
            "unravel_index",
        ),
    ],
    (7, 1): [
        ("def rank_of(probabilities, index):\n    return np.argsort(probabilities)[index]", "class at this rank"),
        (
            "def rank_of(probabilities, index):\n    return (probabilities < probabilities[index]).sum()",
            "Rank 0 is the best",
        ),
        ("def rank_of(probabilities, index):\n    return probabilities[index]", "That is the probability"),
        (
            "def rank_of(probabilities, index):\n    return np.where(np.argsort(probabilities)[::-1] == index)[0]",
            "Take the number out",
        ),
        ("def rank_of(probabilities, index):\n    return np.argsort(probabilities)[::-1]", "the order of all classes"),
    ],
    (7, 2): [
        (
            """
def undo_vgg(batch):
    means = np.array([103.939, 116.779, 123.68])
    return np.rint(batch + means).astype("uint8")
""",
            "still in the order blue, green, red",
        ),
        (
            """
def undo_vgg(batch):
    means = np.array([103.939, 116.779, 123.68])
    return np.rint(batch[..., ::-1] + means).astype("uint8")
""",
            "its own channel",
        ),
        (
            """
def undo_vgg(batch):
    means = np.array([103.939, 116.779, 123.68])
    return (batch + means)[..., ::-1].astype("uint8")
""",
            "Round",
        ),
        (
            """
def undo_vgg(batch):
    means = np.array([103.939, 116.779, 123.68])
    return np.rint(batch + means)[::-1].astype("uint8")
""",
            "still in the order blue, green, red",
        ),
        (
            """
def undo_vgg(batch):
    means = np.array([103.939, 116.779, 123.68])
    return np.rint(batch[0] + means)[..., ::-1].astype("uint8")
""",
            "The shape must stay",
        ),
    ],
    (7, 3): [
        (
            """
def answer(probabilities, names, threshold):
    best = np.argmax(probabilities)
    return names[best] if probabilities[best] > threshold else "unknown"
""",
            "Exactly at the threshold",
        ),
        (
            "def answer(probabilities, names, threshold):\n    return names[np.argmax(probabilities)]",
            "Below the threshold",
        ),
        (
            """
def answer(probabilities, names, threshold):
    best = np.argmax(probabilities)
    return best if probabilities[best] >= threshold else "unknown"
""",
            "Look up its name",
        ),
        (
            """
def answer(probabilities, names, threshold):
    best = np.argmax(probabilities)
    return "unknown" if probabilities[best] >= threshold else names[best]
""",
            "or above it",
        ),
    ],
    (8, 1): [
        (
            "def head_parameters(features, hidden, classes):\n    return features * hidden + hidden * classes",
            "biases are missing",
        ),
        ("def head_parameters(features, hidden, classes):\n    return (features + 1) * hidden", "Add the second one"),
        (
            """
def head_parameters(features, hidden, classes):
    return features * (hidden + 1) + hidden * (classes + 1)
""",
            "not to each input",
        ),
        (
            """
def head_parameters(features, hidden, classes):
    return (features + 1) * hidden + (features + 1) * classes
""",
            "not the features",
        ),
    ],
    (8, 2): [
        (
            """
def leaked_share(training_paths, validation_paths):
    known = {track_of(path) for path in training_paths}
    return sum(track_of(path) in known for path in validation_paths)
""",
            "Divide",
        ),
        (
            """
def leaked_share(training_paths, validation_paths):
    known = {track_of(path) for path in validation_paths}
    return sum(track_of(path) in known for path in training_paths) / len(training_paths)
""",
            "Of the validation pictures",
        ),
        (
            """
def leaked_share(training_paths, validation_paths):
    train = {track_of(path) for path in training_paths}
    valid = {track_of(path) for path in validation_paths}
    return len(train & valid) / len(valid)
""",
            "Count pictures, not tracks",
        ),
        (
            """
def leaked_share(training_paths, validation_paths):
    return sum(path in training_paths for path in validation_paths) / len(validation_paths)
""",
            "Compare track_of(path)",
        ),
    ],
    (8, 3): [
        (
            """
def mirror_with_label(picture, label):
    return picture[:, ::-1], label
""",
            "so the label must become 34",
        ),
        (
            """
def mirror_with_label(picture, label):
    if label in partner:
        return picture[::-1], partner[label]
    if label in symmetric:
        return picture[::-1], label
    return picture, label
""",
            "upside down",
        ),
        (
            """
def mirror_with_label(picture, label):
    if label in partner:
        return picture[:, ::-1], partner[label]
    return picture, label
""",
            "mirror the picture, keep the label",
        ),
        (
            """
def mirror_with_label(picture, label):
    if label in partner:
        return picture[:, ::-1], partner[label]
    return picture[:, ::-1], label
""",
            "Leave such classes alone",
        ),
        (
            """
def mirror_with_label(picture, label):
    if label in partner:
        return picture, partner[label]
    if label in symmetric:
        return picture[:, ::-1], label
    return picture, label
""",
            "the picture did not",
        ),
    ],
    (9, 1): [
        (
            """
def iou_of(true, predicted, number):
    t, p = true == number, predicted == number
    return (t & p).sum() / (t | p).sum()
""",
            "leave it out",
        ),
        (
            """
def iou_of(true, predicted, number):
    known = true != VOID
    t, p = (true == number) & known, (predicted == number) & known
    return 2 * (t & p).sum() / (t.sum() + p.sum())
""",
            "That is Dice",
        ),
        (
            """
def iou_of(true, predicted, number):
    known = true != VOID
    t, p = (true == number) & known, (predicted == number) & known
    return (t & p).sum() / t.sum()
""",
            "That is recall",
        ),
        (
            """
def iou_of(true, predicted, number):
    known = true != VOID
    return (true == predicted)[known].mean()
""",
            "pixel accuracy",
        ),
    ],
    (9, 2): [
        (
            """
def highlight(image, mask, number):
    grey = image.mean(axis=-1, keepdims=True)
    return np.where((mask == number)[..., None], grey, image)
""",
            "The other way round",
        ),
        (
            """
def highlight(image, mask, number):
    image[mask != number] = 0
    return image
""",
            "Grey, not black",
        ),
        (
            """
def highlight(image, mask, number):
    grey = image.mean(axis=-1)
    return np.where(mask == number, image[..., 0], grey)
""",
            "use keepdims=True",
        ),
        (
            """
def highlight(image, mask, number):
    image[mask != number] = image.mean()
    return image
""",
            "its own grey value",
        ),
    ],
    (9, 3): [
        (
            "def doubtful_mask(class_scores, threshold):\n    return class_scores.argmax(axis=-1)",
            "No pixel is Void yet",
        ),
        (
            """
def doubtful_mask(class_scores, threshold):
    return np.where(class_scores.max(axis=-1) <= threshold, VOID, class_scores.argmax(axis=-1))
""",
            "Exactly at the threshold",
        ),
        (
            """
def doubtful_mask(class_scores, threshold):
    return np.where(class_scores.max(axis=-1) < threshold, class_scores.argmax(axis=-1), VOID)
""",
            "The other way round",
        ),
        (
            """
def doubtful_mask(class_scores, threshold):
    return np.where(class_scores < threshold, VOID, class_scores)
""",
            "two-dimensional",
        ),
    ],
}
