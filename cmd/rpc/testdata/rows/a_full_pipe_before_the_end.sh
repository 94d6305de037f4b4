# A whole pipe of output written just before a death by KILL arrives, on both streams.
#
# fault: 50

for i in {1..30}; do
  rpc $W sh -c 'printf "%060000d\n" $1; printf "%060000d\n" $1 >&2; kill -9 $$' sh $i 2> >(wc -c >&3) | wc -c
done 3>&1 2>/dev/null | sort | uniq -c

# stdout:
#|      60 60001
