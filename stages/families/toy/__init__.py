"""The toy model: data, model, schedule, engines, dimensionality and exact solutions. Knows nothing of DVC or plots."""
