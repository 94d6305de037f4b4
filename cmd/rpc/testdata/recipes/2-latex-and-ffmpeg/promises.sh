# shellcheck shell=bash
cat 'a song.mp3' # prints: ID3RIFF 1
find . -name '*.part'
stat -c %u paper.pdf | grep -cx "$(id -u)" # prints: 1
grep -c -e -no-shell-escape paper.log      # prints: 1

# A limit of time, and one of calls: the third waits.
mkfifo hang.tex x.wav y.wav z.wav
rpc --timeout 0.2s tex pdflatex hang.tex 2>/dev/null || echo "status $?" # prints: status 124
printf '%s\0' [xyz].wav | env --default-signal=INT setsid rpc map -0 -j 3 av mp3 '{}' '{.}.mp3' 2>/dev/null &
count() { rpc ps av | grep -c "$1" | grep -qx "$2"; }
wait_for count running 2
wait_for count waiting 1
encoders() { [ "$(pgrep -fc "$D/bin/worker/ffmpeg")" = 2 ]; }
wait_for encoders # a shell that got the signal before it starts one would wait for it

# Ctrl-C ends them all, and no file is there that isn't whole.
kill -INT $!
wait $! || echo "status $?" # prints: status 130
ls [xyz].mp3 2>/dev/null || true
