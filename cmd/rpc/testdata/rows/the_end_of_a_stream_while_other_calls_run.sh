# The end of a stream is seen while other calls run: none of them holds its pipe.
#
# use: hold
# fault: 71

mkfifo in
{
  rpc $W sh -c ': >up; exec cat' 3>&- | {
    cat
    : >end
  } 3>&-
} <in &
exec 4>in
wait_for test -e up
hold 10
echo hi >&4
exec 4>&-
wait_for test -e end && echo ended
ls held* | wc -l
release

# stdout:
#| hi
#| ended
#| 10
