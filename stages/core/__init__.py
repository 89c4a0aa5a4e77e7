"""What every stage stands on: files, tables, errors, the command line. It knows no model, no grid and no experiment."""
