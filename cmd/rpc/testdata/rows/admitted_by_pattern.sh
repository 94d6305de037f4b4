# A pattern in the env file admits variables, but none that changes how programs load or shells start.
#
# fault: 67

procedure p sh
printf 'LC_*\n*\n' >$D/ex/p/env
rpc -e LC_TIME=x -e FOO=1 $W p -c 'echo $LC_TIME $FOO'
for v in LD_PRELOAD LD_LIBRARY_PATH PATH IFS BASH_ENV ENV SHELLOPTS PS4 PYTHONPATH PERL5OPT NODE_OPTIONS \
  GODEBUG GLIBC_TUNABLES RPC_WORKER 'BASH_FUNC_x%%'; do
  rpc -e $v=x $W p -c 'echo ran' 2>e
  echo $v $? $(wc -l <e)
done

# stdout:
#| x 1
#| LD_PRELOAD 126 1
#| LD_LIBRARY_PATH 126 1
#| PATH 126 1
#| IFS 126 1
#| BASH_ENV 126 1
#| ENV 126 1
#| SHELLOPTS 126 1
#| PS4 126 1
#| PYTHONPATH 126 1
#| PERL5OPT 126 1
#| NODE_OPTIONS 126 1
#| GODEBUG 126 1
#| GLIBC_TUNABLES 126 1
#| RPC_WORKER 126 1
#| BASH_FUNC_x%% 126 1
