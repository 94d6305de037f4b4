# An argument can hold every byte but NUL, UTF-8 or not.
#
# fault: 55 nailgun-bytes

# shellcheck disable=SC2059 # the format is the byte
a=$(
  for ((i = 1; i < 256; i++)); do printf "\\x$(printf %x $i)"; done
  echo x
)
a=${a%x}
printf %s "$a" >want
wc -c <want
rpc $W printf %s "$a" | cmp - want && echo same
# shellcheck disable=SC2059 # the format is the byte
for ((i = 128; i < 256; i++)); do printf "\\x$(printf %x $i)"; done >high
rpc $W printf %s "$(<high)" | cmp - high && echo same

# stdout:
#| 255
#| same
#| same
