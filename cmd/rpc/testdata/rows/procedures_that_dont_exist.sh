# A name that is a path, hidden, empty, too long or in another case is no procedure, and nothing runs.
#
# fault: 63

for p in ../cwd ../../bin/sh /bin/sh .hidden . .. '' $'sh\n' SH "$(printf %0300d 1)"; do
  rpc $W "$p" -c 'echo ran' 2>err
  echo $? $(wc -l <err)
done

# stdout:
#| 127 1
#| 127 1
#| 127 1
#| 127 1
#| 127 1
#| 127 1
#| 125 1
#| 127 1
#| 127 1
#| 127 1
