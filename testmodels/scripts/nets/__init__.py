"""The PyTorch models that the exporters' scripts share: plain modules, as forecasters write them."""
