# What a procedure writes at once, up to PIPE_BUF, stays whole where other calls write into the same pipe.
#
# time: 3m
# use: records

for writer in "$small" "$odd" "$full" "$blocks" "$many"; do
  side_by_side "$writer" | whole
done

# stdout:
#| 20000 whole
#| 6000 whole
#| 8000 whole
#| 8000 whole
#| 8000 whole
