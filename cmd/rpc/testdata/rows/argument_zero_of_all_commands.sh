# With --all-commands, too, argument zero is what the caller typed: a command's name, or its path. A program of many
# names is the one that it is called by.
#
# serve: --all-commands

rpc $W ls nosuch
rpc $W /bin/ls nosuch
rpc $W /bin/../bin/ls nosuch
ln -s $(type -P bash) sh
chmod 755 .
rpc $W ./sh -c 'echo $0'
rpc $W $PWD/sh -c 'echo $0; shopt -qo posix && echo as sh'

# stdout:
#| ./sh
#| $D/cwd/sh
#| as sh
# stderr:
#| ls: cannot access 'nosuch': No such file or directory
#| /bin/ls: cannot access 'nosuch': No such file or directory
#| /bin/../bin/ls: cannot access 'nosuch': No such file or directory
