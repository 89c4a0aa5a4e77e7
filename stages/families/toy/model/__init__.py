"""The model h = W x, x' = ReLU(U^T h + b), and the compiled passes that train and test it."""
