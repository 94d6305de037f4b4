# "rpc doctor" enters the directory as a call would, and says what the user that calls run as may not do there.
#
# on: users
# use: findings

chmod 755 .
mkdir -m 755 read
mkdir -m 711 enter
mkdir -m 700 none
mkdir -m 777 all none/all
for dir in read enter none none/all all; do
  (
    cd $dir
    findings -n rpc doctor $W | grep '^note dir\|status'
    findings rpc doctor $W
    rpc $W true
    echo $?
  )
done

# stdout:
#| note directory: 54321:54321 may read, not write "$D/cwd/read" (0:0 0755)
#| status 0
#| status 0
#| 0
#| note directory: 54321:54321 may enter, not read or write "$D/cwd/enter" (0:0 0711)
#| status 0
#| status 0
#| 0
#| status 1
#| bad directory: 54321:54321 can't enter "$D/cwd/none" (0:0 0700)
#|  cure: let that user in ...
#| status 1
#| 125
#| status 1
#| bad directory: 54321:54321 can't enter "$D/cwd/none/all"
#|  cure: let that user in ...
#| status 1
#| 125
#| status 0
#| status 0
#| 0
# stderr:
#| rpc: ...
#| rpc: ...
