# 50 MB of stdin arrive unchanged from a file and from a pipe, and come back unchanged.
#
# fault: kubernetes-noise

head -c 50000000 /dev/urandom >data
[[ $(rpc $W cksum <data) == $(cksum <data) ]] && echo file
# shellcheck disable=SC2002 # a pipe is what this is about
[[ $(cat data | rpc $W cksum) == $(cksum <data) ]] && echo pipe
# shellcheck disable=SC2002
cat data | rpc $W cat | cmp - data && echo through
rm data

# stdout:
#| file
#| pipe
#| through
