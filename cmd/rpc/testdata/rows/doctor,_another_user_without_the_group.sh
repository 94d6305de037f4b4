# "rpc doctor" says who may connect to the socket or enter its folder, and which rights would help.
#
# on: users
# use: findings

findings setpriv --reuid 4242 --regid 4343 --groups 4444 rpc doctor $W
chmod 700 $D/sock
findings setpriv --reuid 4242 --regid 4343 --clear-groups rpc doctor $W
findings setpriv --reuid 4242 --regid 4343 --clear-groups rpc doctor $D/sock/
chmod 744 $D/sock
findings setpriv --reuid 4242 --regid 4343 --clear-groups rpc doctor $D/sock/

# stdout:
#| bad connect: permission denied: the socket is 54321:54321 0660, you are 4242:4343 with groups 4444
#|  cure: run as its user (compose: user: "54321:54321"), or join its group (group_add: ["54321"]), or let others in: rpcd serve --mode 0666, or --gid with a group of yours
#| status 1
#| bad folder: permission denied: the folder "$D/sock" is 54321:54321 0700, you are 4242:4343
#|  cure: run as its user ... chmod o+x (of a tmpfs volume: mode=0755)
#| status 1
#| bad folder: permission denied: the folder "$D/sock" is 54321:54321 0700, you are 4242:4343
#|  cure: run as its user ... chmod o+x (of a tmpfs volume: mode=0755)
#| status 1
#| bad connect: permission denied: the folder "$D/sock" is 54321:54321 0744, you are 4242:4343
#|  cure: run as its user ... chmod o+x (of a tmpfs volume: mode=0755)
#| status 1
