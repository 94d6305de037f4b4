# A procedure's name of 255 bytes is looked up; over that, and over 4095 bytes of a path, the caller is told so in one short line. A directory's name has the kernel's bound.
#
# fault: 123

for p in "$(printf %0255d 1)" "$(printf %0256d 1)" "/$(printf %04094d 1)" "/$(printf %04095d 1)"; do
  rpc $W "$p" 2>err
  echo $? $(wc -l <err) $(grep -c 'at most \(255\|4095\)' err) $(($(wc -c <err) < 300))
done
rpc -C "/$(printf %05000d 1)" $W true 2>err
echo $? $(wc -l <err) $(grep -c 4095 err)

# stdout:
#| 127 1 0 1
#| 127 1 1 1
#| 127 1 0 1
#| 127 1 1 1
#| 125 1 1
