from rpcd import resident

resident.serve_arrays(lambda frame: frame)
