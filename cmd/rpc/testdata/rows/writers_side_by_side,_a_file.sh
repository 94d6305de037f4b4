# Writes stay whole where several calls append to a file, and where they share its position.
#
# time: 3m
# use: records

for writer in "$small" "$odd" "$many"; do
  side_by_side "$writer" >>appended
  whole <appended
  rm appended
  side_by_side "$writer" >shared
  whole <shared
done

# stdout:
#| 20000 whole
#| 20000 whole
#| 6000 whole
#| 6000 whole
#| 8000 whole
#| 8000 whole
