# A stdout that is a non-blocking pipe loses nothing.
#
# fault: 39

perl -e '
  use Fcntl;
  pipe(R, W) or die;
  fcntl(W, F_SETFL, O_WRONLY | O_NONBLOCK);
  fcntl(R, F_SETFL, O_NONBLOCK);
  my $p = fork;
  if (!$p) {
    open(STDOUT, ">&W");
    close R;
    close W;
    exec "rpc", $ENV{W}, "sh", "-c", "sleep 0.2; echo hi"
  }
  close W;
  my $x;
  select(undef, undef, undef, 0.05) until defined sysread(R, $x, 9);
  print $x;
  waitpid $p, 0;
  print $? >> 8, "\n"
'

# stdout:
#| hi
#| 0
