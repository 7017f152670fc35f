"""Cells in the manner of the first edition's sections 3.5 and 4.1 to 4.10; ``test_book_cells.py`` runs them."""

# %% 3.5 images
import torch
from IPython import display
from torch import nn
from torch.utils import data

from onelayer import d2l
from onelayer.d2l import torchvision, transforms

d2l.use_svg_display()
steps = transforms.Compose([transforms.Resize(32), transforms.ToTensor()])
garments = torchvision.datasets.FashionMNIST(root="../data", train=False, transform=steps, download=True)
X, y = next(iter(data.DataLoader(garments, batch_size=18)))
d2l.show_images(X.reshape(18, 32, 32), 2, 9, titles=d2l.get_fashion_mnist_labels(y))
len(garments), X.shape

# %% 3.6 a display of one's own
figure, axes = d2l.plt.subplots()
axes.plot([1, 2])
display.display(figure)
display.clear_output(wait=True)
assert d2l.display is display and d2l.data is data

# %% 4.1 activation functions
x = torch.arange(-8.0, 8.0, 0.1, requires_grad=True)
for f in (torch.relu, torch.sigmoid, torch.tanh):
    y = f(x)
    d2l.plot(x.detach(), y.detach(), "x", f"{f.__name__}(x)", figsize=(5, 2.5))
    x.grad = None
    y.backward(torch.ones_like(x), retain_graph=True)
    d2l.plot(x.detach(), x.grad, "x", f"grad of {f.__name__}", legend=[], figsize=(5, 2.5))

# %% 4.2 a multilayer perceptron from scratch
train_iter, test_iter = d2l.load_data_fashion_mnist(256)
train_iter = [batch for _, batch in zip(range(60), train_iter, strict=False)]  # a quarter of the images
W1 = nn.Parameter(torch.randn(784, 32) * 0.01)
b1 = nn.Parameter(torch.zeros(32))
W2 = nn.Parameter(torch.randn(32, 10) * 0.01)
b2 = nn.Parameter(torch.zeros(10))
params = [W1, b1, W2, b2]


def relu(X):
    return torch.max(X, torch.zeros_like(X))


def net(X):
    return relu(X.reshape((-1, 784)) @ W1 + b1) @ W2 + b2


loss = nn.CrossEntropyLoss(reduction="none")
d2l.train_ch3(net, train_iter, test_iter, loss, 1, torch.optim.SGD(params, lr=0.1))
d2l.predict_ch3(net, test_iter)

# %% 4.3 concisely
net = nn.Sequential(nn.Flatten(), nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10))
net.apply(lambda m: nn.init.normal_(m.weight, std=0.01) if type(m) is nn.Linear else None)
d2l.train_ch3(net, train_iter, test_iter, loss, 1, torch.optim.SGD(net.parameters(), lr=0.1))

# %% 4.4 a polynomial
n_train, n_test, degree = 40, 40, 8
x = torch.randn(n_train + n_test, 1)
powers = x ** torch.arange(degree) / torch.tensor([float(d2l.math.factorial(i)) for i in range(degree)])
labels = powers[:, :4] @ torch.tensor([5, 1.2, -3.4, 5.6]) + 0.1 * torch.randn(n_train + n_test)


def train_polynomial(terms, epochs=120):
    net = nn.Sequential(nn.Linear(terms, 1, bias=False))
    rows = d2l.load_array((powers[:n_train, :terms], labels[:n_train].reshape(-1, 1)), 10)
    held_out = d2l.load_array((powers[n_train:, :terms], labels[n_train:].reshape(-1, 1)), 10, is_train=False)
    trainer = torch.optim.SGD(net.parameters(), lr=0.01)
    animator = d2l.Animator(
        xlabel="epoch",
        ylabel="loss",
        yscale="log",
        xlim=[1, epochs],
        ylim=[1e-3, 1e2],
        legend=["train", "test"],
    )
    for epoch in range(epochs):
        d2l.train_epoch_ch3(net, rows, nn.MSELoss(reduction="none"), trainer)
        if epoch == 0 or (epoch + 1) % 40 == 0:
            losses = [
                d2l.evaluate_loss(net, batches, nn.MSELoss(reduction="none")) for batches in (rows, held_out)
            ]
            animator.add(epoch + 1, losses)
    return losses


assert train_polynomial(4)[1] < train_polynomial(2)[1]  # a line underfits

# %% 4.5 weight decay
true_w, true_b = torch.ones((50, 1)) * 0.01, 0.05
rows = d2l.load_array(d2l.synthetic_data(true_w, true_b, 20), 5)
held_out = d2l.load_array(d2l.synthetic_data(true_w, true_b, 100), 5, is_train=False)


def train_decaying(lambd, epochs=30):
    torch.manual_seed(0)
    w, b = torch.normal(0, 1, size=(50, 1), requires_grad=True), torch.zeros(1, requires_grad=True)
    animator = d2l.Animator(xlabel="epochs", yscale="log", xlim=[5, epochs], legend=["train", "test"])
    for epoch in range(epochs):
        for X, y in rows:
            (d2l.squared_loss(d2l.linreg(X, w, b), y) + lambd * (w**2).sum() / 2).sum().backward()
            d2l.sgd([w, b], 0.003, 5)
        if (epoch + 1) % 10 == 0:
            animator.add(
                epoch + 1,
                [
                    d2l.evaluate_loss(lambda X: d2l.linreg(X, w, b), part, d2l.squared_loss)
                    for part in (rows, held_out)
                ],
            )
    return torch.norm(w).item()


assert train_decaying(3) < train_decaying(0)

# %% 4.6 dropout
net = nn.Sequential(nn.Flatten(), nn.Linear(784, 32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 10))
trainer = torch.optim.SGD(net.parameters(), lr=0.5)
d2l.train_ch3(net, train_iter, test_iter, loss, 1, trainer)
assert not net.training

# %% 4.8 gradients that vanish
x = torch.arange(-8.0, 8.0, 0.1, requires_grad=True)
y = torch.sigmoid(x)
y.backward(torch.ones_like(x))
curves = [y.detach().numpy(), x.grad.numpy()]
d2l.plot(x.detach().numpy(), curves, legend=["sigmoid", "gradient"], figsize=(4.5, 2.5))

# %% 4.10 house prices: the file is the reader's
import pandas as pd

with open("../data/houses.csv", "rb") as file:
    sha1 = d2l.hashlib.sha1(file.read()).hexdigest()
d2l.DATA_HUB["houses_by_hand"] = (d2l.DATA_URL + "houses.csv", sha1)
houses = pd.read_csv(d2l.download("houses_by_hand"))
assert d2l.pd is pd
features = houses.iloc[:, 1:-1]
numeric = features.select_dtypes("number").columns
features[numeric] = features[numeric].apply(lambda column: (column - column.mean()) / column.std()).fillna(0)
features = pd.get_dummies(features, dummy_na=True)
assert features.values.dtype == object  # numbers beside truth values
X = d2l.tensor(features.values, dtype=d2l.float32)
y = d2l.tensor(houses.SalePrice.values.reshape(-1, 1), dtype=d2l.float32)

# %% 4.10 a model of the prices
net, loss = nn.Sequential(nn.Linear(X.shape[1], 1)), nn.MSELoss()
optimizer = torch.optim.Adam(net.parameters(), lr=5, weight_decay=0)
curve = []
for _ in range(20):
    for batch, prices in d2l.load_array((X, y), 4):
        optimizer.zero_grad()
        loss(net(batch), prices).backward()
        optimizer.step()
    clipped = torch.clamp(net(X), 1, float("inf"))
    curve.append(torch.sqrt(loss(torch.log(clipped), torch.log(y))).item())
d2l.plot(d2l.np.arange(1, 21), [curve], xlabel="epoch", ylabel="log rmse", xlim=[1, 20], yscale="log")
assert curve[-1] < curve[0]
