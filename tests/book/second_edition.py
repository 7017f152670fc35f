"""Cells in the manner of the second edition's sections 3.7, 4.2 and 5.1 to 5.7; ``test_book_cells.py`` runs them."""

# %% 3.7 weight decay
import torch
from torch import nn

from onelayer import d2l
from onelayer.d2l import torchvision, transforms


class Wide(d2l.DataModule):
    def __init__(self, num_train, num_val, num_inputs, batch_size):
        self.save_hyperparameters()
        n = num_train + num_val
        self.X = torch.randn(n, num_inputs)
        self.y = self.X @ (torch.ones((num_inputs, 1)) * 0.01) + 0.05 + torch.randn(n, 1) * 0.01

    def get_dataloader(self, train):
        rows = slice(0, self.num_train) if train else slice(self.num_train, None)
        return self.get_tensorloader([self.X, self.y], train, rows)


class Decaying(d2l.LinearRegression):
    def __init__(self, wd, lr):
        super().__init__(lr)
        self.save_hyperparameters()

    def configure_optimizers(self):
        groups = [{"params": self.net.weight, "weight_decay": self.wd}, {"params": self.net.bias}]
        return torch.optim.SGD(groups, lr=self.lr)


wide = Wide(num_train=20, num_val=100, num_inputs=50, batch_size=5)
model = Decaying(wd=3, lr=0.01)
model.board.yscale = "log"
d2l.Trainer(max_epochs=3).fit(model, wide)


# %% 4.2 images
class Garments(d2l.DataModule):
    def __init__(self, batch_size=64, resize=(28, 28)):
        super().__init__()
        self.save_hyperparameters()
        steps = transforms.Compose([transforms.Resize(resize), transforms.ToTensor()])
        self.train = torchvision.datasets.FashionMNIST(
            root=self.root, train=True, transform=steps, download=True
        )
        self.val = torchvision.datasets.FashionMNIST(
            root=self.root, train=False, transform=steps, download=True
        )

    def get_dataloader(self, train):
        return torch.utils.data.DataLoader(self.train if train else self.val, self.batch_size, shuffle=train)


garments = Garments(resize=(32, 32))
X, y = next(iter(garments.train_dataloader()))
assert X.shape == (64, 1, 32, 32) and len(garments.val) == 10_000


# %% 5.2 a multilayer perceptron from scratch
class Perceptron(d2l.Classifier):
    def __init__(self, num_inputs, num_outputs, num_hiddens, lr, sigma=0.01):
        super().__init__()
        self.save_hyperparameters()
        self.W1 = nn.Parameter(torch.randn(num_inputs, num_hiddens) * sigma)
        self.b1 = nn.Parameter(torch.zeros(num_hiddens))
        self.W2 = nn.Parameter(torch.randn(num_hiddens, num_outputs) * sigma)
        self.b2 = nn.Parameter(torch.zeros(num_outputs))


@d2l.add_to_class(Perceptron)
def forward(self, X):
    H = torch.relu(d2l.matmul(X.reshape((-1, self.num_inputs)), self.W1) + self.b1)
    return d2l.matmul(H, self.W2) + self.b2


data = d2l.FashionMNIST(batch_size=256)
trainer = d2l.Trainer(max_epochs=1)
trainer.fit(Perceptron(num_inputs=784, num_outputs=10, num_hiddens=32, lr=0.1), data)


# %% 5.6 dropout, concisely
class Dropping(d2l.Classifier):
    def __init__(self, num_outputs, num_hiddens, dropout, lr):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(
            nn.Flatten(),
            nn.LazyLinear(num_hiddens),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.LazyLinear(num_outputs),
        )


model = Dropping(num_outputs=10, num_hiddens=32, dropout=0.5, lr=0.1)
trainer.fit(model, data)
assert model.board.data["val_acc"][-1].x == 1 and model.board.data["val_acc"][-1].y > 0.5

# %% 5.7 house prices: the file is the reader's
import pandas as pd


class Houses(d2l.DataModule):
    def __init__(self, batch_size, train=None, val=None):
        super().__init__()
        self.save_hyperparameters()
        if self.train is None:
            path = d2l.download(d2l.DATA_URL + "houses.csv", self.root, sha1_hash=None)
            table = pd.read_csv(path)
            self.train = pd.get_dummies(table.drop(columns="Id"), dummy_na=True).fillna(0)

    def get_dataloader(self, train):
        table = self.train if train else self.val
        if table is None:
            return None
        X, y = table.drop(columns="SalePrice"), table["SalePrice"]
        tensors = [d2l.tensor(part.values.astype(float), dtype=d2l.float32) for part in (X / 1000, y)]
        return self.get_tensorloader((tensors[0], d2l.reshape(d2l.log(tensors[1]), (-1, 1))), train)


houses = Houses(batch_size=4)

# %% 5.7 folds
trainer = d2l.Trainer(max_epochs=2)
models, errors = [], []
for i in range(2):
    rows = range(i * 6, (i + 1) * 6)
    fold = Houses(4, houses.train.drop(index=rows), houses.train.loc[rows])
    model = d2l.LinearRegression(lr=0.01)
    model.board.yscale = "log"
    model.board.display = i == 0
    trainer.fit(model, fold)
    errors.append(float(model.board.data["val_loss"][-1].y))
    models.append(model)
assert all(error < 150 for error in errors)  # (ln of a price is about 12)²
