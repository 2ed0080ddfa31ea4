"""sklearn/, lightgbm/ and xgboost/: classical forecasters on lagged values, through skl2onnx and onnxmltools.

Expected outputs come from scikit-learn, LightGBM and XGBoost themselves.
"""

import lightgbm
import numpy as np
import xgboost
from onnxmltools import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType as LightFloat
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, PolynomialFeatures, RobustScaler, StandardScaler
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeRegressor

import cases

LAGS = 6


def series(n=220, seed=1):
    t = np.arange(n)
    return 10 + 0.02 * t + 3 * np.sin(2 * np.pi * t / 12) + np.random.default_rng(seed).normal(0, 0.4, n)


def windows(horizon=1):
    y = series()
    x = np.stack([y[i:i + LAGS] for i in range(len(y) - LAGS - horizon + 1)]).astype(np.float32)
    target = np.stack([y[i + LAGS:i + LAGS + horizon] for i in range(len(x))])
    return x, target[:, 0] if horizon == 1 else target


def regressors():
    yield "linear_three_steps", LinearRegression(), 3
    yield "ridge_scaled", make_pipeline(StandardScaler(), Ridge(0.5)), 1
    yield "ridge_polynomial", make_pipeline(MinMaxScaler(), PolynomialFeatures(2), Ridge(0.1)), 1
    yield "ridge_robust", make_pipeline(RobustScaler(), Ridge(1.0)), 2
    yield "decision_tree", DecisionTreeRegressor(max_depth=4, random_state=1), 1
    yield "random_forest", RandomForestRegressor(6, max_depth=4, random_state=1), 1
    yield "random_forest_two_steps", RandomForestRegressor(4, max_depth=3, random_state=2), 2
    yield "gradient_boosting", GradientBoostingRegressor(n_estimators=12, max_depth=3, random_state=1), 1
    yield "boosting_each_step", MultiOutputRegressor(GradientBoostingRegressor(n_estimators=5, max_depth=2, random_state=1)), 2
    yield "mlp", make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(8, 5), random_state=1, max_iter=400)), 1
    yield "svr_rbf", make_pipeline(StandardScaler(), SVR(C=5)), 1
    yield "svr_linear", make_pipeline(StandardScaler(), SVR(kernel="linear")), 1
    yield "nearest_neighbours", KNeighborsRegressor(3), 1
    yield "gaussian_process", GaussianProcessRegressor(RBF(4.0), alpha=0.5, optimizer=None), 1


def scikit(name, model, horizon, out):
    x, y = windows(horizon)
    keep = 60 if name.startswith(("gaussian", "nearest", "svr")) else len(x)  # these carry their training data along
    model.fit(x[:keep], y[:keep])
    onnx_model = to_onnx(model, initial_types=[("lags", FloatTensorType([None, LAGS]))], target_opset={"": 17, "ai.onnx.ml": 3})
    sets = [([part], [model.predict(part).astype(np.float32).reshape(len(part), -1)]) for part in (x[100:104], x[111:112])]
    cases.write(out / "sklearn" / name, onnx_model, sets)


def direction(out):
    """A classifier of whether the series rises: label and probabilities."""
    x, y = windows()
    model = make_pipeline(StandardScaler(), LogisticRegression())
    rising = (y > x[:, -1]).astype(np.int64)
    model.fit(x, rising)
    onnx_model = to_onnx(model, initial_types=[("lags", FloatTensorType([None, LAGS]))], target_opset={"": 17, "ai.onnx.ml": 3},
                         options={id(model): {"zipmap": False}})
    sets = [([p], [model.predict(p), model.predict_proba(p).astype(np.float32)]) for p in (x[100:105], x[7:8])]
    cases.write(out / "sklearn" / "rising_logistic", onnx_model, sets)


def light(name, out, **options):
    x, y = windows()
    x[::9, 2] = np.nan  # missing values go their own way in the trees
    model = lightgbm.LGBMRegressor(n_estimators=10, num_leaves=7, random_state=1, verbose=-1, n_jobs=1, **options).fit(x, y)
    onnx_model = convert_lightgbm(model, initial_types=[("lags", LightFloat([None, LAGS]))], target_opset=15)
    sets = [([p], [model.predict(p).astype(np.float32).reshape(-1, 1)]) for p in (x[99:104], x[30:31])]
    cases.write(out / "lightgbm" / name, onnx_model, sets)


def extreme(name, out, model, target=None):
    """XGBoost; target makes classes of the next value."""
    x, y = windows()
    x[::9, 2] = np.nan
    model.set_params(n_estimators=8, max_depth=3, random_state=1, n_jobs=1)
    model.fit(x, y if target is None else target(y))
    onnx_model = convert_xgboost(model, initial_types=[("lags", LightFloat([None, LAGS]))], target_opset=15)
    sets = []
    for p in (x[99:104], x[30:31]):
        if target is None:
            sets.append(([p], [model.predict(p).astype(np.float32).reshape(-1, 1)]))
        else:
            sets.append(([p], [model.predict(p).astype(np.int64), model.predict_proba(p).astype(np.float32)]))
    cases.write(out / "xgboost" / name, onnx_model, sets)


if __name__ == "__main__":
    asked = cases.arguments(__doc__)
    for name, model, horizon in regressors():
        if asked.only in name:
            scikit(name, model, horizon, asked.out)
    direction(asked.out)
    light("regression", asked.out)
    light("quantile", asked.out, objective="quantile", alpha=0.9)
    light("poisson", asked.out, objective="poisson")
    extreme("regression", asked.out, xgboost.XGBRegressor())
    extreme("poisson", asked.out, xgboost.XGBRegressor(objective="count:poisson"))
    extreme("logistic", asked.out, xgboost.XGBClassifier(), lambda y: (y > 12).astype(int))
    extreme("three_classes", asked.out, xgboost.XGBClassifier(), lambda y: np.digitize(y, [10, 13]))
