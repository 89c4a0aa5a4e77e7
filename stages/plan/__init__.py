"""What runs would cost: `python -m stages.plan`."""
