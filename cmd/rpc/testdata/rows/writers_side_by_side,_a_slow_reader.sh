# Writes stay whole where the reader is slower than the writers, so that every pipe and every credit is used up.
#
# use: records

side_by_side "$odd" | dd bs=700 status=none | whole
side_by_side "$many" | dd bs=1000 status=none | whole

# stdout:
#| 6000 whole
#| 8000 whole
