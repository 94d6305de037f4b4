# A file that is open for reading and writing can't cross a bridge, and the worker says so: only there it shows.
#
# on: bridge
# status: 125

rpc --fd 6 $W true 6<>file

# stdout: nothing
# stderr:
#| rpc: $W can't be given descriptor 6 through a bridge: it is no stream of one direction, nor a stream socket
