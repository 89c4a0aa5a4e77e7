"""Other losses and models (Hobbhahn's comment; TMS): is there double descent in each?"""

AXES = {"T", "data_seed", "init_seed", "power", "hidden", "tied", "importance", "eps"}  # what its grid may sweep
